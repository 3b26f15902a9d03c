#include "client/commands.h"
#include "client/comparison_view.h"
#include "client/exit_codes.h"
#include "client/speed_gate.h"

namespace laptime::client {

int RunCompare(Session& session, const CompareOptions& options) {
  v1::CompareRunsRequest request;
  request.set_a(options.a);
  request.set_b(options.b);
  const auto comparison = session.Call(&Session::Stub::CompareRuns, request);
  if (!comparison.ok()) return session.Fail(comparison.status());
  const auto page = [&comparison](bool /*wide*/, bool color) {
    return ComparisonText(*comparison, color);
  };
  const int printed = session.Print({&*comparison, "", ComparisonSummary(*comparison), page});
  if (printed != kExitOk || !options.fail_if_slower) return printed;
  const absl::StatusOr<bool> slower = IsSlower(*comparison, *options.fail_if_slower);
  if (!slower.ok()) return session.Fail(slower.status());
  return *slower ? kExitSlower : kExitOk;
}

}  // namespace laptime::client
