#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"
#include "storage/transaction.h"

namespace laptime::storage {

absl::StatusOr<bool> Transaction::AdvanceSpool(const std::string& host_id,
                                               const std::string& spool_id, uint64_t seq) {
  return Guard("advancing spool of host " + host_id, [&]() -> absl::StatusOr<bool> {
    Query query = Prepare(
        "INSERT INTO spool VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE "
        "SET committed_seq = excluded.committed_seq "
        "WHERE excluded.committed_seq > committed_seq");
    return query.Bind(host_id, spool_id, seq).RunChange();
  });
}

absl::Status Transaction::DeletePublished() {
  return Guard("replacing the published results",
               [&] { Prepare("DELETE FROM result_import WHERE published").Run(); });
}

absl::StatusOr<bool> Transaction::InsertImported(const ImportedResult& result) {
  return Guard("inserting an imported result", [&]() -> absl::StatusOr<bool> {
    Query query = Prepare(
        "INSERT INTO result_import (hash, json, published, imported_unix_ms) "
        "VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING");
    return query.Bind(result.hash, result.json, result.published, result.imported_unix_ms)
        .RunChange();
  });
}

}  // namespace laptime::storage
