#include "storage/config_json.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"
#include "storage/transaction.h"

namespace laptime::storage {

absl::Status Transaction::SetRunSegment(const std::string& run_id, const std::string& name,
                                        const std::string& software) {
  return Guard("storing the software of run " + run_id, [&]() -> absl::Status {
    Prepare("INSERT INTO segment VALUES (?1, ?2) ON CONFLICT DO NOTHING")
        .Bind(name, software)
        .Run();
    Query query = Prepare("UPDATE run SET segment = ?2 WHERE id = ?1");
    if (query.Bind(run_id, name).RunChange()) return absl::OkStatus();
    return absl::NotFoundError("no run " + run_id);
  });
}

absl::Status Transaction::SetRunValidity(const std::string& run_id, const v1::Run& judged) {
  return Guard("storing the validity of run " + run_id, [&]() -> absl::Status {
    Query query = Prepare(
        "UPDATE run SET validity = ?2, validity_reasons = ?3, learning_gate = ?4 WHERE id = ?1");
    query.Bind(run_id, judged.validity(), TextsToJson(judged.validity_reasons()),
               judged.learning_gate());
    if (query.RunChange()) return absl::OkStatus();
    return absl::NotFoundError("no run " + run_id);
  });
}

absl::Status Transaction::InsertAnnotation(const std::string& run_id,
                                           const v1::Annotation& annotation) {
  return Guard("adding a note to run " + run_id, [&]() -> absl::Status {
    Query query = Prepare(
        "INSERT INTO annotation (run, at_unix_ms, author, text) SELECT key, ?2, ?3, ?4 FROM run "
        "WHERE id = ?1");
    query.Bind(run_id, annotation.at_unix_ms(), annotation.author(), annotation.text());
    if (query.RunChange()) return absl::OkStatus();
    return absl::NotFoundError("no run " + run_id);
  });
}

}  // namespace laptime::storage
