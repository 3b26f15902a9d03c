#include <algorithm>

#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"
#include "storage/transaction.h"

namespace laptime::storage {
namespace {

// Of a token: ?1 is the time now.
constexpr char kDead[] = "(revoked_unix_ms IS NOT NULL OR expires_unix_ms <= ?1 OR uses_left = 0)";

}  // namespace

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

absl::StatusOr<int> Transaction::CountLiveTokens(int64_t now_unix_ms) const {
  return Guard("counting tokens", [&]() -> absl::StatusOr<int> {
    Query query =
        Prepare(std::string("SELECT count(*) - coalesce(sum") + kDead + ", 0) FROM token");
    return query.Bind(now_unix_ms).Step() ? query.Int(0) : 0;
  });
}

absl::StatusOr<std::vector<std::string>> Transaction::ForgetDeadTokens(int most,
                                                                       int64_t now_unix_ms) {
  return Guard("forgetting tokens", [&]() -> absl::StatusOr<std::vector<std::string>> {
    std::vector<std::string> ids;
    Query dead = Prepare(std::string("SELECT id FROM token WHERE ") + kDead +
                         " ORDER BY created_unix_ms DESC, id LIMIT -1 OFFSET ?2");
    dead.Bind(now_unix_ms, most);
    while (dead.Step()) ids.push_back(dead.Text(0));
    Query release = Prepare("UPDATE certificate SET token = NULL WHERE token = ?1");
    Query forget = Prepare("DELETE FROM token WHERE id = ?1");
    for (const std::string& id : ids) {
      release.RunWith(id);
      forget.RunWith(id);
    }
    return ids;
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
    Query insert = Prepare(
        "INSERT INTO audit (at_unix_ms, who, peer, action, detail, outcome) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    insert.Bind(entry.at_unix_ms(), entry.who(), entry.peer(), entry.action(), entry.detail(),
                entry.outcome());
    // Now and then, because it reads the whole log.
    if (insert.RunInsert() % std::max(1, most / 100) != 0) return;
    Prepare(
        "DELETE FROM audit WHERE action = ?1 AND key <= "
        "(SELECT key FROM audit WHERE action = ?1 ORDER BY key DESC LIMIT 1 OFFSET ?2)")
        .Bind(entry.action(), most)
        .Run();
  });
}

}  // namespace laptime::storage
