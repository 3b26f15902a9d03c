#include <ostream>

#include "client/columns.h"
#include "client/commands.h"
#include "client/exit_codes.h"
#include "proto/support/duration.h"

namespace laptime::client {
namespace {

using v1::Token;

v1::Role RoleFrom(const std::string& word) {
  for (const v1::Role role : {v1::ROLE_AGENT, v1::ROLE_VIEWER, v1::ROLE_USER, v1::ROLE_ADMIN}) {
    if (Word(role) == word) return role;
  }
  return v1::ROLE_UNSPECIFIED;
}

std::optional<int64_t> Expiry(const Token& token) {
  return token.has_expires_unix_ms() ? std::optional<int64_t>(token.expires_unix_ms())
                                     : std::nullopt;
}

std::optional<int64_t> Revocation(const Token& token) {
  return token.has_revoked_unix_ms() ? std::optional<int64_t>(token.revoked_unix_ms())
                                     : std::nullopt;
}

std::vector<Column<Token>> TokenColumns() {
  return {
      TextColumn<Token>("id", "TOKEN", [](const Token& t) { return t.id(); }),
      TextColumn<Token>("role", "ROLE", [](const Token& t) { return Word(t.role()); }),
      TextColumn<Token>("label", "LABEL", [](const Token& t) { return t.label(); }),
      TimeColumn<Token>("created_unix_ms", "CREATED",
                        [](const Token& t) { return std::optional<int64_t>(t.created_unix_ms()); }),
      TimeColumn<Token>("expires_unix_ms", "EXPIRES", Expiry),
      {{"uses_left", "USES LEFT", true, false},
       [](const Token& t) { return t.has_uses_left() ? NumberCell(t.uses_left()) : TextCell(""); }},
      TimeColumn<Token>("revoked_unix_ms", "REVOKED", Revocation),
      TextColumn<Token>("created_by", "BY", [](const Token& t) { return t.created_by(); }),
  };
}

std::vector<Column<v1::AuditEntry>> AuditColumns() {
  using Entry = v1::AuditEntry;
  return {
      TimeColumn<Entry>("at_unix_ms", "AT",
                        [](const Entry& e) { return std::optional<int64_t>(e.at_unix_ms()); }),
      TextColumn<Entry>("who", "WHO", [](const Entry& e) { return e.who(); }),
      TextColumn<Entry>("peer", "FROM", [](const Entry& e) { return e.peer(); }),
      TextColumn<Entry>("action", "ACTION", [](const Entry& e) { return e.action(); }),
      TextColumn<Entry>("detail", "OF", [](const Entry& e) { return e.detail(); }),
      TextColumn<Entry>("outcome", "OUTCOME", [](const Entry& e) { return e.outcome(); }),
  };
}

}  // namespace

int RunTokenCreate(Session& session, const TokenCreateOptions& options) {
  v1::CreateTokenRequest request;
  request.set_role(RoleFrom(options.role));
  request.set_label(options.label);
  request.set_uses(options.uses);
  if (!options.ttl.empty()) {
    const auto ttl = ParseDuration(options.ttl, {"s", "m", "h", "d", "w"});
    if (!ttl) {
      return session.Fail(WithHint(absl::StatusCode::kInvalidArgument,
                                   "--ttl: '" + options.ttl + "' is no time",
                                   "--ttl 1h, --ttl 90d"));
    }
    request.set_ttl_seconds(std::chrono::duration<double>(*ttl).count());
  }
  const auto made = session.Call(&Session::Stub::CreateToken, request);
  if (!made.ok()) return session.Fail(made.status());
  session.Say("token " + made->token().id() + " for " +
              (request.role() == v1::ROLE_AGENT ? "`laptime-agent join`" : "`laptime login`") +
              "; it is shown this once");
  // On a line of its own, so that `> file` takes it.
  const auto text = [&made](bool, bool) { return made->text() + "\n"; };
  return session.Print(
      {&*made, "", MakeGrid(TokenColumns(), std::vector<Token>{made->token()}), text});
}

int RunTokenList(Session& session) {
  const auto tokens = session.Call(&Session::Stub::ListTokens, v1::ListTokensRequest());
  if (!tokens.ok()) return session.Fail(tokens.status());
  return session.Print({&*tokens, "tokens", MakeGrid(TokenColumns(), tokens->tokens()), nullptr});
}

int RunTokenRevoke(Session& session, const IdOptions& options) {
  v1::RevokeTokenRequest request;
  request.set_id(options.id);
  const auto token = session.Call(&Session::Stub::RevokeToken, request);
  if (!token.ok()) return session.Fail(token.status());
  return session.Print(
      {&*token, "", MakeGrid(TokenColumns(), std::vector<Token>{*token}), nullptr});
}

int RunServerAudit(Session& session, const AuditOptions& options) {
  v1::ListAuditRequest request;
  request.set_limit(options.limit);
  const auto log = session.Call(&Session::Stub::ListAudit, request);
  if (!log.ok()) return session.Fail(log.status());
  return session.Print({&*log, "entries", MakeGrid(AuditColumns(), log->entries()), nullptr});
}

}  // namespace laptime::client
