#include "server/security/audit.h"

#include "proto/support/log.h"

namespace laptime {
v1::AuditEntry AuditOf(const std::string& who, const std::string& peer, const std::string& action,
                       const std::string& detail, const absl::Status& outcome) {
  v1::AuditEntry entry;
  entry.set_who(Printable(who));
  entry.set_peer(peer);
  entry.set_action(action);
  entry.set_detail(Printable(Beginning(detail, kMaxAuditDetail)));
  entry.set_outcome(outcome.ok() ? "ok" : absl::StatusCodeToString(outcome.code()));
  return entry;
}

}  // namespace laptime
