// Device selectors and the names that hosts and devices may have.

#include "server/selector.h"
#include "tests/fuzz/harness.h"

namespace {

laptime::v1::Device Studio() {
  laptime::v1::Device device;
  device.set_id("studio/mps");
  device.set_host("studio");
  device.set_name("mps");
  device.set_kind(laptime::v1::DEVICE_KIND_MPS);
  (*device.mutable_labels())["room"] = "b12aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  return device;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using laptime::fuzz::Must;
  static const laptime::v1::Device device = Studio();
  const std::string text = laptime::fuzz::Input(data, size).Rest();
  const auto selector = laptime::Selector::Parse(text);
  if (selector.ok()) {
    const bool matches = selector->Matches(device);
    Must(!selector->exact() || !matches || text.find(device.id()) != std::string::npos,
         "an exact selector matches the device that it names");
  }
  if (laptime::IsPlainName(text)) {
    Must(text.find_first_of("/\\*?[=\n\x1b ") == std::string::npos && text != ".." && text != ".",
         "a plain name is no path, no pattern and paints nothing");
  }
  return 0;
}
