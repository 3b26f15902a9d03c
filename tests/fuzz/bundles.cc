// A run in one file, as `laptime run verify` reads it.

#include "client/bundle.h"
#include "client/bundle_check.h"
#include "tests/fuzz/harness.h"

namespace {

// The hashes would keep every changed line out: of these inputs they are made to agree.
std::string WithManifest(laptime::fuzz::Input& input) {
  std::vector<laptime::client::BundlePart> parts;
  std::string run = input.Piece();
  for (char& letter : run) letter = static_cast<char>(letter & 0x7f);
  while (!input.empty()) {
    // Names are the writer's own.
    std::string name = input.Piece();
    for (char& letter : name) letter = static_cast<char>(letter & 0x7f);
    std::string line = input.Piece();
    std::erase(line, '\n');
    parts.push_back({std::move(name), std::move(line)});
  }
  return laptime::client::BundleText(run, parts);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  laptime::fuzz::Input input(data, size);
  const bool as_it_is = input.Byte() == '=';
  const auto findings = laptime::client::CheckBundle(as_it_is ? input.Rest() : WithManifest(input));
  if (findings.ok()) laptime::fuzz::Must(!findings->empty(), "a bundle that is read has findings");
  return 0;
}
