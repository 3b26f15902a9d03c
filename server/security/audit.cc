#include "server/security/audit.h"

#include "proto/support/log.h"

namespace laptime {
namespace {

// The beginning of a UTF-8 text, whole characters only.
std::string Beginning(const std::string& text, size_t most) {
  if (text.size() <= most) return text;
  constexpr unsigned char kContinuationMask = 0xc0;
  constexpr unsigned char kContinuation = 0x80;
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & kContinuationMask) == kContinuation)
    --end;
  return text.substr(0, end);
}

}  // namespace

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
