#pragma once

#include <cstdint>
#include <deque>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/coordinator_link.h"
#include "agent/spool.h"

namespace laptime::agent {

// Reports under way without an acknowledgement: enough to keep a slow line full, little to send
// again.
inline constexpr size_t kReportWindow = 128;
inline constexpr size_t kReportWindowBytes = 1024 * 1024;

// Sends the spool's reports in order, a bounded window ahead of what is acknowledged, and deletes
// what is. Belongs to the agent's thread. `spool` must outlive it.
class ReportSender {
 public:
  explicit ReportSender(Spool& spool) : spool_(spool) {}

  // A new stream begins: reports up to `acked` are committed, all later ones are sent again.
  absl::Status Begin(uint64_t acked);
  // Sends what the window allows.
  absl::Status Pump(CoordinatorLink& link);
  // Reports up to `through` are committed.
  absl::Status Acknowledged(uint64_t through);

 private:
  struct Sent {
    uint64_t seq;
    size_t bytes;
  };

  Spool& spool_;
  uint64_t next_ = 1;  // the first sequence number not yet sent on this stream
  std::deque<Sent> under_way_;
  size_t bytes_under_way_ = 0;
};

}  // namespace laptime::agent
