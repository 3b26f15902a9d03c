#include <algorithm>
#include <chrono>

#include "client/commands.h"
#include "client/history_view.h"
#include "client/where.h"
#include "proto/support/age.h"
#include "proto/support/clock.h"

namespace laptime::client {
namespace {

absl::StatusOr<v1::GetHistoryRequest> RequestOf(const HistoryOptions& options) {
  v1::GetHistoryRequest request;
  for (const std::string& device : options.devices) request.add_devices(device);
  request.set_workload(options.workload);
  request.set_filter(JoinConditions(options.where));
  if (options.since.empty()) return request;
  const std::optional<int64_t> age = ParseAge(options.since);
  if (!age) {
    return WithHint(absl::StatusCode::kInvalidArgument,
                    "--since: '" + options.since + "' is no age", "it takes 90d, 12h, 45m or 2w");
  }
  request.set_since_unix_ms(std::max<int64_t>(1, UnixMs(SystemClock().WallNow()) - *age));
  return request;
}

// What people should know beside the data.
void Explain(Session& session, const HistoryOptions& options,
             const v1::GetHistoryResponse& history) {
  if (history.older_left_out())
    session.Say("older runs are left out; --device, --workload and --since ask for less");
  const bool measured = std::ranges::any_of(
      history.series(), [](const auto& series) { return series.source() == "measured"; });
  if (measured) return;
  const bool all = options.devices.empty() && options.workload.empty() && options.since.empty() &&
                   options.where.empty();
  session.Say(all ? "no run has succeeded yet" : "no run that succeeded matches");
  session.Say(all ? "hint: laptime submit WORKLOAD measures one"
                  : "hint: laptime run list shows the runs");
}

}  // namespace

int RunHistory(Session& session, const HistoryOptions& options) {
  const absl::StatusOr<v1::GetHistoryRequest> request = RequestOf(options);
  if (!request.ok()) return session.Fail(request.status());
  const auto history = session.Call(&Session::Stub::GetHistory, *request);
  if (!history.ok()) return session.Fail(history.status());
  Explain(session, options, *history);
  const Look& look = session.look();
  // Without --fields a line of jsonl is a series; chosen columns are those of its runs.
  if (!look.fields.empty()) return session.Print({nullptr, "points", HistoryGrid(*history), {}});
  if (look.format == Format::kJsonLines) return session.Print({&*history, "series", {}, {}});
  const auto page = [&history](bool wide, bool color) {
    return HistoryPage(*history, wide, color);
  };
  return session.Print({&*history, "series", HistoryGrid(*history), page});
}

}  // namespace laptime::client
