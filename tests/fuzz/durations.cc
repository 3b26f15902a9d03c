// Durations and points in time as people write them: filters, flags, agent.toml.

#include "agent/config_file.h"
#include "proto/support/duration.h"
#include "proto/support/workload_spec.h"
#include "storage/time_text.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using laptime::fuzz::Must;
  const std::string text = laptime::fuzz::Input(data, size).Rest();
  const auto duration = laptime::ParseDuration(text, {"ms", "s", "m", "h", "d", "w"});
  Must(!duration || duration->count() > 0, "a duration is positive");
  const auto configured = laptime::agent::ParseDuration(text);
  Must(!configured || configured->count() > 0, "a configured duration is positive");
  const auto instants = laptime::storage::ParseInstants(text);
  Must(!instants || (instants->begin >= 0 && instants->begin < instants->end),
       "a stretch of time has a length");
  const auto number = laptime::ParseNumber(text);
  Must(!number || *number - *number == 0, "a number is finite");
  return 0;
}
