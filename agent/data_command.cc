#include "agent/data_command.h"

#include <unistd.h>

#include <cstdio>

#include "agent/data_fetch.h"
#include "agent/dataset_files.h"
#include "agent/state_dir.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

constexpr int64_t kMegabyte = 1'000'000;

// One line that rewrites itself, on a terminal only.
void ShowProgress(int64_t done, int64_t total) {
  if (isatty(STDERR_FILENO) == 0) return;
  std::fprintf(stderr, "\r%lld of %lld MB ", static_cast<long long>(done / kMegabyte),
               static_cast<long long>(total / kMegabyte));
}

}  // namespace

absl::Status RunDataFetch(const DataOptions& options) {
  FetchOptions fetch;
  fetch.data_dir = options.data_dir;
  fetch.url = options.url;
  fetch.progress = ShowProgress;
  std::fprintf(stderr, "downloading %s into %s\n", fetch.url.c_str(), fetch.data_dir.c_str());
  const absl::Status status = FetchCifar10(fetch);
  if (isatty(STDERR_FILENO) != 0) std::fprintf(stderr, "\n");
  LAPTIME_RETURN_IF_ERROR(status);
  return RunDataCheck(options);
}

absl::Status RunDataCheck(const DataOptions& options) {
  auto files = CheckDataset(options.data_dir, DefaultStateDir() / "datasets.json");
  if (!files.ok()) return files.status();
  if (options.official && !files->official) {
    return WithHint(absl::StatusCode::kFailedPrecondition,
                    files->Name() + " in " + files->dir.string() + " is not known to be official",
                    "laptime-agent data fetch cifar10 downloads and verifies the official archive");
  }
  std::printf("%s %s %s\n", files->Name().c_str(), files->official ? "official" : "unofficial",
              files->dir.c_str());
  return absl::OkStatus();
}

}  // namespace laptime::agent
