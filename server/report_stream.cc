#include "server/report_stream.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "proto/support/channel.h"
#include "proto/support/status.h"

namespace laptime {
namespace {

using storage::AttemptRow;
using storage::Transaction;

// A report that will never be right, however often it comes. Everything else, a full disk or a
// missing file included, may pass.
bool Impossible(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsNotFound(status) ||
         absl::IsPermissionDenied(status) || absl::IsAlreadyExists(status);
}

// What an attempt brings forth, as against what moves it on.
bool IsOutput(const v1::Report& report) {
  return report.has_epoch_finished() || report.has_samples() || report.has_log_chunk();
}

}  // namespace

bool ReportStream::Add(v1::Report report, Done done) {
  absl::Status failed;
  {
    MutexLock lock(mu_);
    if (failed_.ok()) {
      waiting_.push_back({std::move(report), std::move(done)});
      return !std::exchange(under_way_, true);
    }
    failed = failed_;
  }
  done(failed);
  return false;
}

void ReportStream::Begin() {
  MutexLock lock(mu_);
  const size_t count = alone_ > 0 ? 1 : std::min(waiting_.size(), kMaxReportsTogether);
  if (alone_ > 0) --alone_;
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  batch_.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
}

absl::Status ReportStream::Store(Transaction& transaction, RunLifecycle& lifecycle) {
  Begin();
  absl::StatusOr<uint64_t> mark = transaction.SpoolMark(host_id_, spool_id_);
  if (!mark.ok()) return mark.status();
  std::optional<AttemptRow> attempt;
  for (const Waiting& next : batch_) {
    // Seen before, or no number at all.
    if (next.report.seq() <= *mark || next.report.seq() > kMaxReportSeq) continue;
    *mark = next.report.seq();
    if (next.passed_by) continue;
    LAPTIME_RETURN_IF_ERROR(StoreOne(next.report, attempt, transaction, lifecycle));
  }
  return transaction.AdvanceSpool(host_id_, spool_id_, *mark).status();
}

absl::Status ReportStream::StoreOne(const v1::Report& report, std::optional<AttemptRow>& attempt,
                                    Transaction& transaction, RunLifecycle& lifecycle) const {
  const v1::AttemptRef& ref = report.attempt();
  if (!attempt || attempt->ref.run_id() != ref.run_id() || attempt->ref.number() != ref.number()) {
    absl::StatusOr<AttemptRow> found = transaction.FindAttempt(ref.run_id(), ref.number());
    if (!found.ok()) return found.status();
    attempt = *std::move(found);
  }
  if (attempt->host_id != host_id_ || attempt->ref.fencing_token() != ref.fencing_token()) {
    return absl::PermissionDeniedError("run " + ref.run_id() + ": attempt " +
                                       std::to_string(ref.number()) + " is not this host's");
  }
  absl::Status status = lifecycle.Apply(*attempt, report);
  if (!IsOutput(report)) attempt.reset();
  return status;
}

bool ReportStream::Settle(const absl::Status& status) {
  std::vector<Waiting> settled;
  std::optional<uint64_t> ignored;
  bool more = false;
  {
    MutexLock lock(mu_);
    if (status.ok()) {
      settled = std::exchange(batch_, {});
    } else if (batch_.size() > 1) {
      PutBack();
    } else if (batch_.size() == 1 && !batch_.front().passed_by && Impossible(status)) {
      ignored = batch_.front().report.seq();
      batch_.front().passed_by = true;  // or the spool would stand still behind it
      PutBack();
    } else {
      failed_ = status;
      settled = TakeAll();
    }
    more = under_way_ = !waiting_.empty();
  }
  if (ignored)
    spdlog::warn("report {} of host {} is ignored: {}", *ignored, host_id_, status.ToString());
  for (const Waiting& report : settled) report.done(status);
  return more;
}

void ReportStream::PutBack() {
  alone_ += batch_.size();
  waiting_.insert(waiting_.begin(), std::make_move_iterator(batch_.begin()),
                  std::make_move_iterator(batch_.end()));
  batch_.clear();
}

std::vector<ReportStream::Waiting> ReportStream::TakeAll() {
  PutBack();
  std::vector<Waiting> all(std::make_move_iterator(waiting_.begin()),
                           std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  return all;
}

}  // namespace laptime
