// Job files: `laptime submit FILE.toml`, with `--set KEY=VALUE` beside it.

#include "client/submission.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  laptime::fuzz::Input input(data, size);
  laptime::client::SubmitOptions options;
  options.idempotency_key = "k";
  options.settings = {"epochs=1"};
  if (const std::string setting = input.Piece(); !setting.empty())
    options.settings.push_back(setting);
  options.workload = laptime::fuzz::FileWith("job.toml", input.Rest());
  const auto request = laptime::client::MakeSubmission(options);
  if (request.ok()) laptime::fuzz::Must(!request->workload().empty(), "a job has a workload");
  return 0;
}
