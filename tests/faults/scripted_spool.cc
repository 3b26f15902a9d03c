#include "tests/faults/scripted_spool.h"

#include <set>

#include "proto/support/status.h"

namespace laptime::faults {
namespace {

v1::AttemptRef AttemptOf(int run) {
  v1::AttemptRef attempt;
  attempt.set_run_id("run-" + std::to_string(run));
  attempt.set_number(1);
  attempt.set_fencing_token(run);
  return attempt;
}

void Lose(Findings& findings, const std::string& what) {
  ++findings.lost;
  findings.complaints.push_back("lost: " + what);
}

}  // namespace

absl::Status SpoolLedger::Use(agent::Spool& spool, int turns, std::mt19937_64& random) {
  if (id_.empty()) id_ = spool.id();
  for (int turn = 0; turn < turns; ++turn) {
    LAPTIME_RETURN_IF_ERROR(RecordOne(spool));
    for (int i = 0; i < 3; ++i) LAPTIME_RETURN_IF_ERROR(AppendOne(spool));
    if (std::bernoulli_distribution(0.3)(random)) LAPTIME_RETURN_IF_ERROR(DeleteSome(spool));
  }
  return absl::OkStatus();
}

absl::Status SpoolLedger::RecordOne(agent::Spool& spool) {
  v1::StartRun start;
  *start.mutable_attempt() = AttemptOf(runs_ + 1);
  LAPTIME_RETURN_IF_ERROR(spool.Record(start));
  ++runs_;
  return absl::OkStatus();
}

absl::Status SpoolLedger::AppendOne(agent::Spool& spool) {
  v1::Report report;
  *report.mutable_attempt() = AttemptOf(runs_);
  report.mutable_epoch_finished()->set_number(++epochs_);
  const auto seq = spool.Append(report);
  if (!seq.ok()) return seq.status();
  reports_[*seq] = epochs_;
  return absl::OkStatus();
}

absl::Status SpoolLedger::DeleteSome(agent::Spool& spool) {
  delete_asked_through_ = reports_.rbegin()->first - 1;
  LAPTIME_RETURN_IF_ERROR(spool.DeleteThrough(delete_asked_through_));
  deleted_through_ = delete_asked_through_;
  return absl::OkStatus();
}

Findings SpoolLedger::Judge(agent::Spool& spool) const {
  Findings findings;
  if (!id_.empty() && spool.id() != id_) Lose(findings, "the spool: this is another");
  const auto reports = spool.ReadFrom(0, 1'000'000);
  const auto next = spool.NextSeq();
  if (!reports.ok() || !next.ok()) {
    Lose(findings, "all reports: they cannot be read");
    return findings;
  }
  std::map<uint64_t, int> found;
  std::set<int> epochs;
  for (const v1::Report& report : *reports) {
    const int epoch = report.epoch_finished().number();
    found[report.seq()] = epoch;
    if (epochs.insert(epoch).second) continue;
    ++findings.doubled;
    findings.complaints.push_back("twice: epoch " + std::to_string(epoch));
  }
  for (const auto& [seq, epoch] : reports_) {
    const std::string name = "report " + std::to_string(seq);
    const auto report = found.find(seq);
    const bool there = report != found.end() && report->second == epoch;
    if (seq > delete_asked_through_ && !there) Lose(findings, name);
    if (seq <= deleted_through_ && report != found.end()) Lose(findings, "that " + name + " went");
    if (seq >= *next) Lose(findings, name + "'s number, which is used again");
  }
  for (int run = 1; run <= runs_; ++run) {
    const auto attempt = spool.Find(AttemptOf(run));
    if (!attempt.ok() || !*attempt) Lose(findings, "attempt " + std::to_string(run));
  }
  return findings;
}

Findings JudgeSpoolAfterStart(const std::string& path, const SpoolLedger& ledger) {
  auto spool = agent::Spool::Open(path, {});
  if (spool.ok()) return ledger.Judge(**spool);
  Findings findings;
  Lose(findings, spool.status().ToString());
  return findings;
}

}  // namespace laptime::faults
