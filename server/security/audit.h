#pragma once

#include <string>

#include "absl/status/status.h"
#include "laptime/v1/access.pb.h"

namespace laptime {

inline constexpr size_t kMaxAuditDetail = 200;

// What the audit log keeps of a call: without a time, which the log adds. `detail` is cut to
// kMaxAuditDetail bytes and made printable.
v1::AuditEntry AuditOf(const std::string& who, const std::string& peer, const std::string& action,
                       const std::string& detail, const absl::Status& outcome);

}  // namespace laptime
