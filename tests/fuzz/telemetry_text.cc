// What the kernel and macOS say, as text and bytes: the parsers alone.

#include "agent/telemetry/apple_states.h"
#include "agent/telemetry/io_report_channels.h"
#include "agent/telemetry/proc_cpu.h"
#include "agent/telemetry/proc_files.h"
#include "tests/fuzz/harness.h"

namespace {

using laptime::fuzz::Input;
using laptime::fuzz::Must;

// Channels from pieces: four texts, a value, states.
void Channels(Input& input) {
  std::vector<laptime::agent::IoReportChannel> channels;
  while (!input.empty()) {
    laptime::agent::IoReportChannel& channel = channels.emplace_back();
    channel.group = input.Piece();
    channel.subgroup = input.Piece();
    channel.name = input.Piece();
    channel.unit = input.Piece();
    for (int i = 0; i < 8; ++i)
      channel.value =
          static_cast<int64_t>(static_cast<uint64_t>(channel.value) << 8 | input.Byte());
    for (int states = input.Byte() % 8; states > 0; --states) {
      std::string name = input.Piece();
      channel.states.emplace_back(std::move(name), int64_t{input.Byte()} << (input.Byte() % 56));
    }
  }
  const auto reading = laptime::agent::ReadChannels(channels, {{600, 1200, 3200}, {300, 900}});
  if (reading.gpu_active_percent) {
    Must(*reading.gpu_active_percent >= 0 && *reading.gpu_active_percent <= 100,
         "a share is within a hundred per cent");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace laptime::agent;
  Input input(data, size);
  switch (input.Byte() % 5) {
    case 0:
      ParseCpuTicks(input.Rest());
      break;
    case 1:
      Must(ParseCpuList(input.Rest()).size() < 10'000'000, "a list of CPUs has an end");
      break;
    case 2: {
      const char separator = static_cast<char>(input.Byte());
      const auto fields = ParseFields(input.Rest(), separator);
      MemInfoBytes(fields, "MemTotal");
      break;
    }
    case 3: {
      const std::string bytes = input.Rest();
      for (const double clock : ParseVoltageStates({bytes.begin(), bytes.end()}))
        Must(clock > 0, "a state that runs has a clock");
      BatteryProvides(bytes);
      break;
    }
    default:
      Channels(input);
  }
  return 0;
}
