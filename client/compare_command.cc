#include <optional>

#include "client/commands.h"
#include "client/comparison_view.h"
#include "client/exit_codes.h"

namespace laptime::client {
namespace {

// For certain: the whole interval lies beyond what is allowed.
bool IsSlower(const v1::Comparison& comparison, double allowed_percent) {
  return comparison.low() > 1 + allowed_percent / 100;
}

}  // namespace

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
  if (!comparison->has_low()) {
    session.Say("warning: --fail-if-slower has no interval to judge by");
    return kExitOk;
  }
  return IsSlower(*comparison, *options.fail_if_slower) ? kExitSlower : kExitOk;
}

}  // namespace laptime::client
