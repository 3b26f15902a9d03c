#include <numeric>
#include <optional>

#include "client/columns.h"
#include "client/commands.h"
#include "client/exit_codes.h"
#include "proto/support/age.h"

namespace laptime::client {
namespace {

using v1::DatabaseCheck;
using Collected = v1::CollectGarbageResponse;

constexpr double kMsPerDay = 24 * 60 * 60 * 1000.0;

Grid CheckGrid(const v1::CheckDatabaseResponse& response) {
  using Check = DatabaseCheck;
  const std::vector<Column<Check>> columns{
      TextColumn<Check>("name", "CHECK", [](const Check& c) { return c.name(); }),
      {{"wrong", "WRONG", true, false},
       [](const Check& c) {
         Cell cell = NumberCell(c.wrong());
         cell.style = c.wrong() == 0 ? Style::kGood : Style::kBad;
         return cell;
       }},
      TextColumn<Check>(
          "examples", "FOR EXAMPLE",
          [](const Check& c) { return c.examples_size() > 0 ? c.examples(0) : std::string(); },
          Shown::kSparse)};
  return MakeGrid(columns, response.checks());
}

absl::StatusOr<v1::CollectGarbageRequest> RequestOf(const ServerGcOptions& options) {
  v1::CollectGarbageRequest request;
  request.set_compact(options.compact);
  request.set_dry_run(options.dry_run);
  if (options.older_than.empty()) return request;
  const std::optional<int64_t> age = ParseAge(options.older_than);
  if (!age) {
    return WithHint(absl::StatusCode::kInvalidArgument,
                    "--older-than: '" + options.older_than + "' is no age",
                    "it takes 90d, 12h, 45m or 2w");
  }
  request.set_keep_days(static_cast<double>(*age) / kMsPerDay);
  return request;
}

std::string Amount(const Collected& old) {
  return Counted(static_cast<int64_t>(old.samples()), "sample") + " and " + Bytes(old.log_bytes()) +
         " of logs of " + Counted(old.runs(), "run") + " that ended more than " +
         Significant(old.keep_days()) + " days ago";
}

Grid CollectedGrid(const Collected& collected) {
  const std::vector<Column<Collected>> columns{
      MeasuredColumn<Collected>(
          "keep_days", "KEPT DAYS",
          [](const Collected& c) { return std::optional<double>(c.keep_days()); }, Significant3),
      NumberColumn<Collected>("runs", "RUNS", [](const Collected& c) { return c.runs(); }),
      NumberColumn<Collected>("samples", "SAMPLES",
                              [](const Collected& c) { return static_cast<int64_t>(c.samples()); }),
      MeasuredColumn<Collected>(
          "log_bytes", "LOGS",
          [](const Collected& c) { return std::optional<double>(c.log_bytes()); }, Bytes),
      MeasuredColumn<Collected>(
          "bytes_before", "BEFORE",
          [](const Collected& c) { return std::optional<double>(c.bytes_before()); }, Bytes),
      MeasuredColumn<Collected>(
          "bytes_after", "AFTER",
          [](const Collected& c) { return std::optional<double>(c.bytes_after()); }, Bytes),
      MeasuredColumn<Collected>(
          "free_bytes", "FREE INSIDE",
          [](const Collected& c) { return std::optional<double>(c.free_bytes()); }, Bytes)};
  return MakeGrid(columns, std::vector<Collected>{collected});
}

// What would go, to ask before it does.
absl::StatusOr<bool> Agreed(Session& session, v1::CollectGarbageRequest request) {
  request.set_dry_run(true);
  const auto old = session.CallLong(&Session::Stub::CollectGarbage, request);
  if (!old.ok()) return old.status();
  return old->runs() == 0 || session.Confirm("remove " + Amount(*old) + "?");
}

}  // namespace

int RunServerCheck(Session& session) {
  const auto response = session.CallLong(&Session::Stub::CheckDatabase, v1::CheckDatabaseRequest());
  if (!response.ok()) return session.Fail(response.status());
  const int printed = session.Print({&*response, "checks", CheckGrid(*response), nullptr});
  if (printed != kExitOk) return printed;
  const int wrong =
      std::accumulate(response->checks().begin(), response->checks().end(), 0,
                      [](int sum, const DatabaseCheck& check) { return sum + check.wrong(); });
  if (wrong == 0) return kExitOk;
  return session.Fail(WithHint(absl::StatusCode::kDataLoss,
                               "the database is wrong in " + Counted(wrong, "place"),
                               "-o json names more of them; keep the file, restore a backup"));
}

int RunServerGc(Session& session, const ServerGcOptions& options) {
  const absl::StatusOr<v1::CollectGarbageRequest> request = RequestOf(options);
  if (!request.ok()) return session.Fail(request.status());
  if (!options.dry_run) {
    const absl::StatusOr<bool> agreed = Agreed(session, *request);
    if (!agreed.ok()) return session.Fail(agreed.status());
    if (!*agreed) {
      session.Say("nothing was removed");
      return kExitOk;
    }
  }
  const auto collected = session.CallLong(&Session::Stub::CollectGarbage, *request);
  if (!collected.ok()) return session.Fail(collected.status());
  session.Say((options.dry_run ? "would remove " : "removed ") + Amount(*collected));
  return session.Print({&*collected, "", CollectedGrid(*collected), nullptr});
}

}  // namespace laptime::client
