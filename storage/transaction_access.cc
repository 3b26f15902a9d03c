#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"
#include "storage/transaction.h"

namespace laptime::storage {

absl::Status Transaction::InsertToken(const TokenRow& row) {
  return Guard("storing token " + row.token.id(), [&] {
    const v1::Token& token = row.token;
    Prepare(
        "INSERT INTO token (id, secret_sha256, role, label, created_by, created_unix_ms, "
        "expires_unix_ms, uses_left) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
        .Bind(token.id(), row.secret_sha256, token.role(), token.label(), token.created_by(),
              token.created_unix_ms(),
              Measured(token, &v1::Token::has_expires_unix_ms, &v1::Token::expires_unix_ms),
              Measured(token, &v1::Token::has_uses_left, &v1::Token::uses_left))
        .Run();
  });
}

absl::StatusOr<bool> Transaction::SpendToken(const std::string& id, int64_t now_unix_ms) {
  return Guard("using token " + id, [&]() -> absl::StatusOr<bool> {
    Query query = Prepare(
        "UPDATE token SET uses_left = uses_left - 1 WHERE id = ?1 AND uses_left > 0 "
        "AND revoked_unix_ms IS NULL AND (expires_unix_ms IS NULL OR expires_unix_ms > ?2)");
    return query.Bind(id, now_unix_ms).RunChange();
  });
}

absl::Status Transaction::RevokeToken(const std::string& id, int64_t now_unix_ms) {
  return Guard("revoking token " + id, [&]() -> absl::Status {
    Query query =
        Prepare("UPDATE token SET revoked_unix_ms = coalesce(revoked_unix_ms, ?2) WHERE id = ?1");
    if (query.Bind(id, now_unix_ms).RunChange()) return absl::OkStatus();
    return absl::NotFoundError("no token " + id);
  });
}

absl::Status Transaction::InsertCertificate(const CertificateRow& row) {
  return Guard("storing a certificate of host " + row.host_id, [&] {
    const std::optional<std::string> token =
        row.token_id.empty() ? std::nullopt : std::optional(row.token_id);
    Prepare(
        "INSERT INTO certificate (serial, host, token, issued_unix_ms, expires_unix_ms) "
        "VALUES (?1, ?2, ?3, ?4, ?5)")
        .Bind(row.serial, row.host_id, token, row.issued_unix_ms, row.expires_unix_ms)
        .Run();
    Prepare("UPDATE host SET removed_unix_ms = NULL WHERE id = ?1").Bind(row.host_id).Run();
  });
}

absl::StatusOr<int> Transaction::RevokeCertificates(const std::string& host_id,
                                                    int64_t now_unix_ms) {
  return Guard("revoking certificates of host " + host_id, [&]() -> absl::StatusOr<int> {
    Query count = Prepare(
        "SELECT count(*) FROM certificate "
        "WHERE host = ?1 AND revoked_unix_ms IS NULL AND expires_unix_ms > ?2");
    const int in_force = count.Bind(host_id, now_unix_ms).Step() ? count.Int(0) : 0;
    Prepare(
        "UPDATE certificate SET revoked_unix_ms = ?2 WHERE host = ?1 AND revoked_unix_ms IS NULL")
        .Bind(host_id, now_unix_ms)
        .Run();
    return in_force;
  });
}

absl::Status Transaction::InsertAudit(const v1::AuditEntry& entry, int most) {
  return Guard("writing the audit log", [&] {
    Prepare(
        "INSERT INTO audit (at_unix_ms, who, peer, action, detail, outcome) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .Bind(entry.at_unix_ms(), entry.who(), entry.peer(), entry.action(), entry.detail(),
              entry.outcome())
        .Run();
    Prepare("DELETE FROM audit WHERE key <= (SELECT max(key) FROM audit) - ?1").Bind(most).Run();
  });
}

}  // namespace laptime::storage
