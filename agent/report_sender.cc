#include "agent/report_sender.h"

#include <algorithm>

#include "proto/support/status.h"

namespace laptime::agent {

absl::Status ReportSender::Begin(uint64_t acked) {
  under_way_.clear();
  bytes_under_way_ = 0;
  next_ = acked + 1;
  LAPTIME_RETURN_IF_ERROR(spool_.NumberFrom(next_));
  return spool_.DeleteThrough(acked);
}

absl::Status ReportSender::Pump(CoordinatorLink& link) {
  while (under_way_.size() < kReportWindow && bytes_under_way_ < kReportWindowBytes) {
    auto reports = spool_.ReadFrom(next_, /*limit=*/16);
    if (!reports.ok()) return reports.status();
    if (reports->empty()) return absl::OkStatus();
    for (v1::Report& report : *reports) {
      const Sent sent{report.seq(), report.ByteSizeLong()};
      v1::AgentMessage message;
      *message.mutable_report() = std::move(report);
      if (!link.Send(std::move(message)))
        return absl::OkStatus();  // closing; the next stream starts over
      next_ = sent.seq + 1;
      bytes_under_way_ += sent.bytes;
      under_way_.push_back(sent);
    }
  }
  return absl::OkStatus();
}

absl::Status ReportSender::Acknowledged(uint64_t through) {
  // Nothing that was not sent can be acknowledged.
  through = std::min(through, next_ - 1);
  while (!under_way_.empty() && under_way_.front().seq <= through) {
    bytes_under_way_ -= under_way_.front().bytes;
    under_way_.pop_front();
  }
  return spool_.DeleteThrough(through);
}

}  // namespace laptime::agent
