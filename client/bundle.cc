#include "client/bundle.h"

#include <nlohmann/json.hpp>

#include "client/json.h"
#include "proto/support/channel.h"
#include "proto/support/sha256.h"

namespace laptime::client {
namespace {

using nlohmann::ordered_json;

template <typename Messages>
void AddNumbered(const std::string& name, const Messages& messages,
                 std::vector<BundlePart>& parts) {
  int number = 0;
  for (const auto& message : messages)
    parts.push_back({name + "/" + std::to_string(++number), ToJson(message, false)});
}

}  // namespace

std::vector<BundlePart> PartsOf(const BundledRun& run) {
  std::vector<BundlePart> parts{{"run", ToJson(run.run.run(), false)},
                                {"job", ToJson(run.job, false)}};
  if (run.run.has_snapshot()) parts.push_back({"snapshot", ToJson(run.run.snapshot(), false)});
  AddNumbered("attempt", run.run.attempts(), parts);
  AddNumbered("epoch", run.run.epochs(), parts);
  AddNumbered("samples", run.samples, parts);
  parts.push_back({"log", ToJson(run.log, false)});
  AddNumbered("note", run.run.annotations(), parts);
  return parts;
}

std::string BundleText(const std::string& run_id, const std::vector<BundlePart>& parts) {
  ordered_json manifest{{"format", kBundleFormat},
                        {"version", kBundleVersion},
                        {"laptime", kVersion},
                        {"run", run_id},
                        {"parts", ordered_json::array()}};
  std::string lines;
  for (const BundlePart& part : parts) {
    manifest["parts"].push_back(
        {{"name", part.name}, {"bytes", part.json.size()}, {"sha256", Sha256Hex(part.json)}});
    lines += part.json + "\n";
  }
  return manifest.dump() + "\n" + lines;
}

}  // namespace laptime::client
