// What an agent's state directory holds besides the spool: results of probes, the host's id.

#include <spdlog/spdlog.h>

#include "agent/probe_files.h"
#include "agent/state_dir.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace laptime;
  using fuzz::Must;
  namespace fs = std::filesystem;
  spdlog::set_level(spdlog::level::off);
  fuzz::Input input(data, size);
  const fs::path state = fuzz::Scratch().path() / "state";
  fs::create_directories(state / agent::kProbeDirectory);
  std::ofstream(state / "host_id", std::ios::trunc) << input.Piece();
  std::ofstream(state / agent::kProbeDirectory / "cpu.json", std::ios::trunc) << input.Piece();
  {
    const auto opened = agent::StateDir::Open(state);
    if (opened.ok()) {
      Must(!opened->host_id().empty(), "a host has an id");
      const std::string name = input.Rest();
      if (agent::IsSafeName(name)) {
        Must(name.find('/') == std::string::npos && name.find('\0') == std::string::npos,
             "a safe name is one name");
        const auto dir = opened->NewAttemptDir(name, 1);
        Must(!dir.ok() || dir->parent_path() == state / "attempts",
             "an attempt stays in its place");
      }
    }
    agent::ProbeFiles probes(state / agent::kProbeDirectory);
    for (const v1::DeviceProbe& probe : probes.TakeNew()) {
      std::string bytes;
      Must(probe.SerializeToString(&bytes), "a probe is fit for the wire");
    }
    probes.Basis("cpu");
  }
  std::error_code ignored;
  fs::remove_all(state, ignored);
  return 0;
}
