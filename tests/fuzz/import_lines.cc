// Results measured elsewhere: the lines of `laptime import`.

#include "server/import_results.h"
#include "storage/run_conditions.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using laptime::fuzz::Must;
  static const auto conditions = *laptime::storage::RunConditions::Parse(
      "workload=simclr-*, device=*/cuda*, epoch_seconds<100", 0);
  const std::string line = laptime::fuzz::Input(data, size).Rest();
  const auto result = laptime::ParseResult(line);
  if (!result.ok()) {
    Must(result.status().code() == absl::StatusCode::kInvalidArgument, "a bad line is invalid");
    return 0;
  }
  Must(result->seconds_per_epoch > 0 && !result->source.empty(),
       "a result has a time and a source");
  conditions.Matches(laptime::AsRunLike(*result));
  return 0;
}
