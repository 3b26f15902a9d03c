#include "storage/reader.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"

namespace laptime::storage {

absl::StatusOr<std::vector<TokenRow>> Reader::Tokens() const {
  return Guard("reading tokens", [&]() -> absl::StatusOr<std::vector<TokenRow>> {
    std::vector<TokenRow> rows;
    Query query = Prepare(
        "SELECT id, role, label, created_by, created_unix_ms, expires_unix_ms, uses_left, "
        "revoked_unix_ms, secret_sha256 FROM token ORDER BY created_unix_ms DESC, id");
    while (query.Step()) {
      TokenRow& row = rows.emplace_back();
      row.token.set_id(query.Text(0));
      row.token.set_role(static_cast<v1::Role>(query.Int(1)));
      row.token.set_label(query.Text(2));
      row.token.set_created_by(query.Text(3));
      row.token.set_created_unix_ms(query.Int64(4));
      if (!query.IsNull(5)) row.token.set_expires_unix_ms(query.Int64(5));
      if (!query.IsNull(6)) row.token.set_uses_left(query.Int(6));
      if (!query.IsNull(7)) row.token.set_revoked_unix_ms(query.Int64(7));
      row.secret_sha256 = query.Text(8);
    }
    return rows;
  });
}

absl::StatusOr<std::vector<CertificateRow>> Reader::Certificates() const {
  return Guard("reading certificates", [&]() -> absl::StatusOr<std::vector<CertificateRow>> {
    std::vector<CertificateRow> rows;
    Query query = Prepare(
        "SELECT serial, host, token, issued_unix_ms, expires_unix_ms, revoked_unix_ms "
        "FROM certificate");
    while (query.Step()) {
      rows.push_back({query.Text(0), query.Text(1), query.IsNull(2) ? "" : query.Text(2),
                      query.Int64(3), query.Int64(4), !query.IsNull(5)});
    }
    return rows;
  });
}

absl::StatusOr<std::vector<v1::AuditEntry>> Reader::Audit(int limit) const {
  return Guard("reading the audit log", [&]() -> absl::StatusOr<std::vector<v1::AuditEntry>> {
    std::vector<v1::AuditEntry> entries;
    Query query = Prepare(
        "SELECT at_unix_ms, who, peer, action, detail, outcome FROM audit "
        "ORDER BY key DESC LIMIT ?1");
    query.Bind(limit);
    while (query.Step()) {
      v1::AuditEntry& entry = entries.emplace_back();
      entry.set_at_unix_ms(query.Int64(0));
      entry.set_who(query.Text(1));
      entry.set_peer(query.Text(2));
      entry.set_action(query.Text(3));
      entry.set_detail(query.Text(4));
      entry.set_outcome(query.Text(5));
    }
    return entries;
  });
}

}  // namespace laptime::storage
