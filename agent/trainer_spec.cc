#include "agent/trainer_spec.h"

#include <unistd.h>

#include <cstdlib>

#include "agent/own_path.h"
#include "agent/trainer/contract.h"

namespace laptime::agent {

std::filesystem::path FindTrainer() {
  const char* named = std::getenv("LAPTIME_TRAINER");
  if (named != nullptr && *named != '\0') return named;
  return OwnDirectory() / trainer::kProgram;
}

ChildSpec TrainerSpec(const std::filesystem::path& program, const std::string& command,
                      const v1::Device& device) {
  ChildSpec spec;
  spec.program = program.string();
  spec.arguments = {command, trainer::kFlagDevice, device.address()};
  const auto add = [&spec](const char* flag, int value) {
    spec.arguments.insert(spec.arguments.end(), {flag, std::to_string(value)});
  };
  if (device.has_threads()) add(trainer::kFlagThreads, device.threads());
#ifdef __linux__
  add(trainer::kFlagParentPid, getpid());
#else
  constexpr int kParentPipe = 3;
  add(trainer::kFlagParentPipe, kParentPipe);
  spec.parent_pipe = kParentPipe;
#endif
  // NVML counts GPUs in this order.
  spec.environment = {{"CUDA_DEVICE_ORDER", "PCI_BUS_ID"}};
  return spec;
}

}  // namespace laptime::agent
