#include "agent/trainer/ranks/join_ranks.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "agent/trainer/failure.h"
#include "agent/trainer/layout.h"

namespace laptime::trainer {
namespace {

// The named device is the first of so many.
std::string DeviceOfRank(const Device& first, int rank) {
  return first.cpu() ? first.name() : "cuda:" + std::to_string(first.torch().index() + rank);
}

void CheckOffered(int ranks, const Device& device) {
  const std::string setting = "devices_per_run=" + std::to_string(ranks);
  const auto refuse = [&](const std::string& why, const std::string& hint) {
    throw TrainerError(FailureCause::kSetup, setting + ": " + why, hint);
  };
  if (const auto missing = RankGroup::Missing())
    refuse(*missing, "devices_per_run=1; Debian and Ubuntu have them as libgloo-dev");
  if (device.cpu()) return;
  if (!device.cuda()) refuse("a host has one " + device.name(), "devices_per_run=1");
  const int past = device.torch().index() + ranks;
  if (const int count = at::accelerator::deviceCount(); past > count) {
    refuse("the last would be " + DeviceOfRank(device, ranks - 1) + ", but there are " +
               std::to_string(count),
           "a lower devices_per_run, or an earlier device");
  }
}

// An empty file without a name, which the ranks inherit: nothing is left of it whatever happens.
int OpenMeeting() {
  std::FILE* file = std::tmpfile();  // open as long as the process
  if (file == nullptr || fcntl(fileno(file), F_SETFD, 0) != 0) {
    throw TrainerError(FailureCause::kInfrastructure,
                       std::string("no temporary file for the ranks: ") + std::strerror(errno),
                       "is there room in /tmp?");
  }
  return fileno(file);
}

TrainOptions OptionsOf(int rank, TrainOptions options, const Device& device, int meeting) {
  options.rank = rank;
  options.device = DeviceOfRank(device, rank);
  options.meeting = meeting;
  options.threads = at::get_num_threads();
  options.memory_format = NameOf(device.pixel_layout());
  options.checkpoint.clear();  // rank 0 reads and keeps it
  options.parent_pid = getpid();
  return options;
}

}  // namespace

std::unique_ptr<RankGroup> JoinRanks(const TrainOptions& options, const TrainConfig& config,
                                     const Device& device, RankProcesses& others) {
  const RankShare& share = config.share;
  if (share.ranks == 1) return nullptr;
  if (share.rank == 0) CheckOffered(share.ranks, device);
  const int meeting = options.meeting ? *options.meeting : OpenMeeting();
  for (int rank = 1; share.rank == 0 && rank < share.ranks; ++rank)
    others.Start(ToArguments(OptionsOf(rank, options, device, meeting)));
  return std::make_unique<RankGroup>("/dev/fd/" + std::to_string(meeting), share.rank, share.ranks,
                                     device);
}

}  // namespace laptime::trainer
