#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/options.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// What `submit` asks for: the command line over a job file, if one is named. Everything about
// workloads, keys and selectors is judged by the coordinator; here only the form is.
// kInvalidArgument names file and key.
absl::StatusOr<v1::SubmitJobRequest> MakeSubmission(const SubmitOptions& options);

// "KEY=VALUE" split at the first '='.
absl::StatusOr<std::pair<std::string, std::string>> ParseSetting(const std::string& text);

// 128 random bits in hex: a new idempotency key.
std::string RandomKey();

}  // namespace laptime::client
