// Workload keys as people type them and as the wire carries them, and the JSON that snapshots and
// configurations are stored as.

#include <google/protobuf/util/message_differencer.h>

#include <nlohmann/json.hpp>

#include "agent/snapshot.h"
#include "proto/support/workload_spec.h"
#include "server/job_desk.h"
#include "server/software_segment.h"
#include "storage/config_json.h"
#include "tests/fuzz/harness.h"

namespace {

using laptime::fuzz::Must;

void Settings(laptime::fuzz::Input& input) {
  const std::string preset = input.Piece();
  std::map<std::string, std::string> settings;
  while (!input.empty()) {
    const std::string key = input.Piece();
    settings[key] = input.Piece();
  }
  std::string hashed;
  const auto workload = laptime::ResolveForJob(preset, settings, &hashed);
  if (workload.ok()) Must(workload->hash().size() == 64, "a workload has a hash");
}

void Configuration(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto resolved = laptime::ResolveConfig("simclr-cifar10", json);
  const auto* spec = std::get_if<laptime::WorkloadSpec>(&resolved);
  if (spec == nullptr) return;
  Must(spec->steps_per_epoch() > 0, "a workload has steps");
  spec->HashedText();
}

void StoredJson(const std::string& text) {
  const auto fields = laptime::storage::JsonToStruct(text);
  const std::string written = laptime::storage::StructToJson(fields);
  const auto again = laptime::storage::JsonToStruct(written);
  Must(laptime::storage::StructToJson(again) == written, "what was written reads back the same");
  laptime::storage::WithSeed(text, 7);
  laptime::storage::JsonToTexts(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  laptime::fuzz::Input input(data, size);
  switch (input.Byte() % 3) {
    case 0:
      Settings(input);
      break;
    case 1:
      Configuration(input.Rest());
      break;
    default:
      StoredJson(input.Rest());
  }
  return 0;
}
