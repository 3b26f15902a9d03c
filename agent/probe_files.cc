#include "agent/probe_files.h"

#include <google/protobuf/util/json_util.h>
#include <spdlog/spdlog.h>

#include <fstream>
#include <iterator>

#include "agent/state_dir.h"
#include "proto/support/log.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

namespace fs = std::filesystem;

constexpr char kExtension[] = ".json";

constexpr char kBasisExtension[] = ".basis";

bool Read(const fs::path& file, v1::DeviceProbe& probe) {
  std::ifstream stream(file);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // written by a newer version
  return stream && google::protobuf::util::JsonStringToMessage(text, &probe, options).ok();
}

}  // namespace

absl::Status ProbeFiles::Write(const v1::DeviceProbe& probe, const std::string& basis) const {
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error) {
    return WithHint(absl::StatusCode::kFailedPrecondition,
                    "cannot make the directory " + directory_.string() + ": " + error.message(),
                    "--state DIR names another state directory");
  }
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string text;
  (void)google::protobuf::util::MessageToJsonString(probe, &text, options);
  LAPTIME_RETURN_IF_ERROR(WriteFileAtomically(directory_ / (probe.device() + kExtension), text));
  return WriteFileAtomically(directory_ / (probe.device() + kBasisExtension), basis);
}

std::string ProbeFiles::Basis(const std::string& device) const {
  std::ifstream stream(directory_ / (device + kBasisExtension));
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<v1::DeviceProbe> ProbeFiles::TakeNew() {
  std::vector<v1::DeviceProbe> probes;
  std::error_code error;
  for (fs::directory_iterator entry(directory_, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() != kExtension) continue;
    std::error_code gone;
    const auto written = entry->last_write_time(gone);
    if (gone) continue;
    const auto [known, fresh] = taken_.try_emplace(entry->path(), written);
    if (!fresh && known->second == written) continue;
    known->second = written;
    v1::DeviceProbe probe;
    if (Read(entry->path(), probe)) {
      probes.push_back(std::move(probe));
    } else {
      spdlog::warn("{} is no probe's result; `laptime-agent probe` writes it anew",
                   Printable(entry->path().string()));
    }
  }
  return probes;
}

}  // namespace laptime::agent
