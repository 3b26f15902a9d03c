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

void AddSample(const v1::SampleRow& row, std::vector<v1::SampleSeries>& series) {
  const auto goes_on = [&row](const v1::SampleSeries& one) {
    const v1::Sensor& sensor = one.sensor();
    return sensor.name() == row.sensor() && sensor.source() == row.source() &&
           sensor.unit() == row.unit() && *one.times_ms().rbegin() < row.time_ms();
  };
  if (series.empty() || !goes_on(series.back())) {
    v1::Sensor& sensor = *series.emplace_back().mutable_sensor();
    sensor.set_name(row.sensor());
    sensor.set_source(row.source());
    sensor.set_unit(row.unit());
  }
  series.back().add_times_ms(row.time_ms());
  series.back().add_values(row.value());
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
