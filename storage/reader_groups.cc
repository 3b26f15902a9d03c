#include <nlohmann/json.hpp>

#include "storage/reader.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"

namespace laptime::storage {
namespace {

constexpr char kNewestAttempts[] =
    "run CROSS JOIN attempt ON attempt.run = run.key AND attempt.number = run.attempt";
constexpr char kOfRuns[] = "run.id IN (SELECT value FROM json_each(?1))";

using Set = void (v1::Phases::*)(double);

// In the order of the columns below.
constexpr Set kPhases[] = {
    &v1::Phases::set_load_wait, &v1::Phases::set_augment, &v1::Phases::set_host_to_device,
    &v1::Phases::set_forward,   &v1::Phases::set_loss,    &v1::Phases::set_backward,
    &v1::Phases::set_optimizer, &v1::Phases::set_bank,    &v1::Phases::set_knn,
    &v1::Phases::set_other};
constexpr char kPhaseColumns[] =
    "load_wait_seconds, augment_cpu_seconds, host_to_device_seconds, forward_seconds, "
    "loss_seconds, backward_seconds, optimizer_seconds, bank_seconds, knn_seconds, other_seconds";

v1::Phases PhasesFrom(const Query& query, int first) {
  v1::Phases phases;
  int column = first;
  for (const Set set : kPhases) {
    if (!query.IsNull(column)) (phases.*set)(query.Real(column));
    ++column;
  }
  return phases;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Reader::SnapshotsOf(
    const std::vector<std::string>& run_ids) const {
  return Guard("reading snapshots", [&]() -> absl::StatusOr<std::vector<std::string>> {
    std::vector<std::string> snapshots;
    Query query = Prepare(std::string("SELECT json FROM snapshot WHERE hash IN (SELECT "
                                      "attempt.snapshot FROM ") +
                          kNewestAttempts + " WHERE " + kOfRuns + ") ORDER BY hash");
    query.Bind(nlohmann::json(run_ids).dump());
    while (query.Step()) snapshots.push_back(query.Text(0));
    return snapshots;
  });
}

absl::StatusOr<std::vector<std::vector<v1::Phases>>> Reader::PhasesOf(
    const std::vector<std::string>& run_ids) const {
  using Runs = std::vector<std::vector<v1::Phases>>;
  return Guard("reading phases", [&]() -> absl::StatusOr<Runs> {
    Runs runs;
    int64_t run = 0;  // keys begin at 1
    Query query =
        Prepare(std::string("SELECT run.key, ") + kPhaseColumns + " FROM " + kNewestAttempts +
                " CROSS JOIN epoch ON epoch.attempt = attempt.key "
                "WHERE " +
                kOfRuns + " ORDER BY run.key, epoch.number");
    query.Bind(nlohmann::json(run_ids).dump());
    while (query.Step()) {
      if (query.Int64(0) != run) {
        run = query.Int64(0);
        runs.emplace_back();
      }
      runs.back().push_back(PhasesFrom(query, 1));
    }
    return runs;
  });
}

}  // namespace laptime::storage
