#include "server/coordinator.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <future>
#include <optional>

#include "proto/support/channel.h"
#include "proto/support/status.h"
#include "server/check_hello.h"
#include "server/device_group.h"
#include "server/run_queue.h"
#include "server/run_state.h"
#include "server/selector.h"

namespace laptime {
namespace {

using storage::AttemptRow;
using storage::Transaction;

v1::Failure Lost(const std::string& message) {
  v1::Failure failure;
  failure.set_cause(v1::FAILURE_CAUSE_INFRASTRUCTURE);
  failure.set_message(message);
  return failure;
}

bool SameAttempt(const v1::AttemptRef& a, const v1::AttemptRef& b) {
  return a.run_id() == b.run_id() && a.number() == b.number();
}

const v1::HeldAttempt* FindHeld(const v1::Hello& hello, const v1::AttemptRef& attempt) {
  auto found = std::ranges::find_if(hello.attempts(), [&](const v1::HeldAttempt& held) {
    return SameAttempt(held.attempt(), attempt);
  });
  return found == hello.attempts().end() ? nullptr : &*found;
}

// What the coordinator holds open against what the agent has: see the table in server/README.md.
absl::Status Reconcile(const AttemptRow& open, const v1::HeldAttempt* held,
                       RunLifecycle& lifecycle) {
  if (held != nullptr && held->alive()) return lifecycle.Accepted(open);
  if (held != nullptr) {
    return lifecycle.Fail(open, Lost("the agent was restarted while the trainer ran"));
  }
  if (open.run_state == v1::RUN_STATE_ASSIGNED) return lifecycle.SendAgain(open);
  return lifecycle.Fail(open, Lost("the agent no longer knows the attempt: its state was lost"));
}

// An attempt that the agent has alive but that ended here meanwhile: stop it, unless it was only
// given up as lost, then its late laps are stored and shown.
absl::Status StopIfEnded(const v1::HeldAttempt& held, const std::string& host_id, Transaction& tx,
                         Outbox& outbox) {
  absl::StatusOr<AttemptRow> row = tx.FindAttempt(held.attempt().run_id(), held.attempt().number());
  if (!row.ok() && !absl::IsNotFound(row.status())) return row.status();
  const bool lost = row.ok() && row->state == v1::ATTEMPT_STATE_LOST;
  const bool open = row.ok() && !IsEnd(row->state);
  if (!lost && !open) outbox.StopRun(host_id, held.attempt(), "ended meanwhile");
  return absl::OkStatus();
}

// "device box/mps", "2 cuda devices from box/cuda:0 on"
std::string DevicesOf(const storage::RunRow& run) {
  const int count = DevicesPerRun(run.config_json);
  if (count == 1 || run.run.kind() == v1::DEVICE_KIND_CPU) return "device " + run.run.device();
  return std::to_string(count) + " " + KindName(run.run.kind()) + " devices from " +
         run.run.device() + " on";
}

}  // namespace

void Coordinator::DecideAsync(Decision decision, Done done) {
  auto outbox = std::make_shared<Outbox>();
  store_.WriteAsync(
      [this, outbox, decision = std::move(decision)](Transaction& tx) {
        RunLifecycle lifecycle(tx, *outbox, options_.max_retries, UnixMs(clock_.WallNow()));
        return decision(tx, lifecycle, *outbox);
      },
      [this, outbox, done = std::move(done)](const absl::Status& status) {
        if (status.ok()) Deliver(*outbox);
        done(status);
      });
}

absl::Status Coordinator::Decide(Decision decision) {
  // Shared: the writer may still be inside set_value when this thread goes on.
  auto outcome = std::make_shared<std::promise<absl::Status>>();
  DecideAsync(std::move(decision),
              [outcome](const absl::Status& status) { outcome->set_value(status); });
  return outcome->get_future().get();
}

void Coordinator::Deliver(const Outbox& outbox) {
  for (const v1::AttemptRef& attempt : outbox.ended) registry_.Release(attempt);
  for (const Outbox::Message& message : outbox.messages) {
    if (message.message.has_start_run()) {
      registry_.Hold(message.host_id, message.message.start_run().attempt());
    }
    registry_.Send(message.host_id, message.message);
  }
  for (const v1::JobEvent& event : outbox.events) hub_.Publish(event);
  if (!outbox.look_for_work.empty()) LookForWork(outbox.look_for_work);
}

void Coordinator::Attach(std::shared_ptr<AgentLink> link, const v1::Hello& hello, Done done) {
  if (absl::Status status = CheckHello(hello); !status.ok()) return done(status);
  auto outbox = std::make_shared<Outbox>();
  auto acked = std::make_shared<uint64_t>(0);
  const std::string host_id = hello.host().id();
  auto work = [this, hello, host_id, outbox, acked](Transaction& tx) -> absl::Status {
    *outbox = Outbox{};
    const int64_t now = UnixMs(clock_.WallNow());
    RunLifecycle lifecycle(tx, *outbox, options_.max_retries, now);
    LAPTIME_RETURN_IF_ERROR(
        tx.UpsertHost(hello.host(), {hello.devices().begin(), hello.devices().end()}, now));
    LAPTIME_RETURN_IF_ERROR(NoteOffers(tx, host_id));
    absl::StatusOr<uint64_t> mark = tx.SpoolMark(host_id, hello.spool_id());
    if (!mark.ok()) return mark.status();
    *acked = *mark;
    absl::StatusOr<std::vector<AttemptRow>> open = tx.OpenAttempts(host_id);
    if (!open.ok()) return open.status();
    for (const AttemptRow& attempt : *open) {
      LAPTIME_RETURN_IF_ERROR(Reconcile(attempt, FindHeld(hello, attempt.ref), lifecycle));
    }
    for (const v1::HeldAttempt& held : hello.attempts()) {
      if (held.alive()) LAPTIME_RETURN_IF_ERROR(StopIfEnded(held, host_id, tx, *outbox));
    }
    outbox->look_for_work.insert(host_id);
    return absl::OkStatus();
  };
  auto committed = [this, link, hello, host_id, outbox, acked, done](const absl::Status& status) {
    if (!status.ok()) return done(status);
    std::vector<v1::AttemptRef> alive;
    for (const v1::HeldAttempt& held : hello.attempts()) {
      // Of one whose end is stored the agent will say no more.
      const bool ended = held.end_seq() != 0 && held.end_seq() <= *acked;
      if (held.alive() && !ended) alive.push_back(held.attempt());
    }
    registry_.Attach(host_id, link, alive, hello.run_in_parallel());
    v1::CoordinatorMessage message;
    v1::Welcome& welcome = *message.mutable_welcome();
    welcome.set_lease_seconds(std::chrono::duration<double>(kLease).count());
    welcome.set_heartbeat_seconds(std::chrono::duration<double>(kHeartbeat).count());
    welcome.set_sampling_seconds(1);
    welcome.set_acked_seq(*acked);
    welcome.set_server_version(kVersion);
    welcome.set_protocol(CommonProtocol(hello.protocol()).value_or(kProtocolVersion));
    link->Send(message);
    Deliver(*outbox);
    done(absl::OkStatus());
  };
  store_.WriteAsync(std::move(work), std::move(committed));
}

void Coordinator::Take(std::shared_ptr<ReportStream> stream, v1::Report report, Done done) {
  if (stream->Add(std::move(report), std::move(done))) StoreReports(std::move(stream));
}

void Coordinator::StoreReports(std::shared_ptr<ReportStream> stream) {
  DecideAsync([stream](Transaction& tx, RunLifecycle& lifecycle,
                       Outbox&) { return stream->Store(tx, lifecycle); },
              [this, stream](const absl::Status& status) {
                if (stream->Settle(status)) StoreReports(stream);
              });
}

void Coordinator::Answered(const std::string& host_id, const v1::CommandResult& result,
                           Settled settled) {
  auto decision = [host_id, result](Transaction& tx, RunLifecycle& lifecycle,
                                    Outbox& outbox) -> absl::Status {
    if (auto stopped = StoppedAttempt(result.command_id())) {
      absl::StatusOr<AttemptRow> row = tx.FindAttempt(stopped->run_id(), stopped->number());
      if (!row.ok() && !absl::IsNotFound(row.status())) return row.status();
      if (row.ok() && row->host_id != host_id) return absl::OkStatus();  // not this host's
      outbox.ended.push_back(*stopped);
      outbox.look_for_work.insert(host_id);
      return absl::OkStatus();
    }
    absl::StatusOr<std::vector<AttemptRow>> open = tx.OpenAttempts(host_id);
    if (!open.ok()) return open.status();
    auto attempt = std::ranges::find(*open, result.command_id(), &AttemptRow::command_id);
    if (attempt == open->end()) return absl::OkStatus();  // answered before, or ended meanwhile
    return result.accepted() ? lifecycle.Accepted(*attempt)
                             : lifecycle.Refused(*attempt, result.failure());
  };
  DecideAsync(std::move(decision), [this, host_id,
                                    settled = std::move(settled)](const absl::Status& status) {
    settled();
    if (status.ok()) return;
    spdlog::warn("answer of host {} is lost: {}", host_id, status.ToString());
    // With its next Hello the host says again what it has.
    registry_.Disconnect(host_id, absl::UnavailableError("an answer could not be stored"));
  });
}

void Coordinator::Progressed(const std::string& host_id, const v1::Progress& progress,
                             Settled settled) {
  if (!hub_.IsWatched()) return settled();
  // On the writer, so that what it says of the run is as new as what watchers have heard. Reports
  // that came before may still wait in their stream.
  DecideAsync(
      [host_id, progress](Transaction& tx, RunLifecycle&, Outbox& outbox) -> absl::Status {
        const v1::AttemptRef& ref = progress.attempt();
        absl::StatusOr<AttemptRow> attempt = tx.FindAttempt(ref.run_id(), ref.number());
        if (!attempt.ok()) return attempt.status();
        const bool its_own =
            attempt->host_id == host_id && attempt->ref.fencing_token() == ref.fencing_token();
        absl::StatusOr<storage::RunRow> run = tx.FindRun(ref.run_id());
        if (!run.ok()) return run.status();
        const bool is_it = its_own && run->run.attempt() == ref.number();
        if (!is_it || run->run.state() != v1::RUN_STATE_RUNNING) return absl::OkStatus();
        v1::JobEvent event;
        event.set_job_id(run->run.job_id());
        event.set_run_id(run->run.id());
        event.set_device(run->run.device());
        *event.mutable_progress()->mutable_step() = progress.step();
        if (progress.has_utilization_percent()) {
          event.mutable_progress()->set_utilization_percent(progress.utilization_percent());
        }
        outbox.events.push_back(std::move(event));
        return absl::OkStatus();
      },
      [settled = std::move(settled)](const absl::Status&) { settled(); });
}

void Coordinator::Probed(const std::string& host_id, const v1::DeviceProbe& probe,
                         Settled settled) {
  const int rows = probe.result().capabilities_size() + probe.result().rates_size();
  if (rows > kMaxProbeRows) {
    spdlog::warn("a probe of host {} is ignored: it has {} rows, at most {} are stored", host_id,
                 rows, kMaxProbeRows);
    return settled();
  }
  store_.WriteAsync(
      [host_id, probe](Transaction& tx) { return tx.PutProbe(host_id, probe).status(); },
      [host_id, settled = std::move(settled)](const absl::Status& status) {
        settled();
        // It comes again with the host's next Hello.
        if (!status.ok())
          spdlog::warn("a probe of host {} is not stored: {}", host_id, status.ToString());
      });
}

void Coordinator::LookForWork(const std::set<std::string>& hosts) {
  DecideAsync(
      [this, hosts](Transaction& tx, RunLifecycle& lifecycle, Outbox& outbox) -> absl::Status {
        for (const std::string& host_id : hosts) {
          if (!registry_.IsFree(host_id)) continue;
          absl::StatusOr<std::vector<AttemptRow>> open = tx.OpenAttempts(host_id);
          if (!open.ok()) return open.status();
          if (!open->empty() && !registry_.RunsInParallel(host_id)) continue;
          absl::StatusOr<std::vector<storage::DeviceRow>> devices = tx.Devices(host_id);
          if (!devices.ok()) return devices.status();
          absl::StatusOr<std::optional<std::string>> next = NextRun(tx, host_id, *devices, *open);
          if (!next.ok()) return next.status();
          if (!next->has_value()) continue;
          LAPTIME_RETURN_IF_ERROR(lifecycle.Assign(**next));
          if (registry_.RunsInParallel(host_id)) outbox.look_for_work.insert(host_id);
        }
        return absl::OkStatus();
      },
      [](const absl::Status& status) {
        if (!status.ok()) spdlog::error("assigning runs: {}", status.ToString());
      });
}

void Coordinator::Sweep() {
  const std::vector<std::string> attached = registry_.AttachedHosts();
  DecideAsync(
      [this, attached](Transaction& tx, RunLifecycle& lifecycle, Outbox& outbox) -> absl::Status {
        const int64_t now = UnixMs(clock_.WallNow());
        for (const std::string& host_id : attached) {
          LAPTIME_RETURN_IF_ERROR(tx.SetLastSeen(host_id, now));
        }
        // A look for work that failed (disk full) is made up for here.
        outbox.look_for_work.insert(attached.begin(), attached.end());
        return EndLost(tx, lifecycle, now);
      },
      [](const absl::Status& status) {
        if (!status.ok()) spdlog::error("looking for lost runs: {}", status.ToString());
      });
}

absl::Status Coordinator::NoteOffers(const storage::Reader& reader, const std::string& host_id) {
  absl::StatusOr<std::vector<storage::DeviceRow>> devices = reader.Devices(host_id);
  if (!devices.ok()) return devices.status();
  for (const storage::DeviceRow& device : *devices) {
    const int offered = LargestRun(device, *devices, std::mem_fn(&storage::DeviceRow::offered));
    for (int count = 1; count <= MaxDevicesPerRun(); ++count) {
      if (count <= offered) {
        not_offered_since_.erase({device.key, count});
      } else {
        not_offered_since_.try_emplace({device.key, count}, clock_.Now());
      }
    }
  }
  if (host_id.empty()) {
    // All of them: what the others were is forgotten.
    std::erase_if(not_offered_since_, [&](const auto& absence) {
      return std::ranges::find(*devices, absence.first.first, &storage::DeviceRow::key) ==
             devices->end();
    });
  }
  return absl::OkStatus();
}

absl::Status Coordinator::EndLost(Transaction& tx, RunLifecycle& lifecycle, int64_t now) {
  LAPTIME_RETURN_IF_ERROR(NoteOffers(tx, /*host_id=*/""));
  const absl::StatusOr<std::vector<storage::OpenRun>> runs = tx.OpenRuns();
  if (!runs.ok()) return runs.status();
  const auto steady_now = clock_.Now();
  std::map<std::string, std::chrono::steady_clock::time_point> queued_since;
  for (const storage::OpenRun& open : *runs) {
    std::chrono::nanoseconds waited = registry_.AwayFor(open.host_id, started_);
    bool offered = true;
    if (open.state == v1::RUN_STATE_QUEUED) {
      // A run that was not here at the last sweep has come since, whatever the wall clock says.
      const std::chrono::milliseconds age(now - open.created_unix_ms);
      const auto known = queued_since_.find(open.id);
      const auto since = known != queued_since_.end()
                             ? known->second
                             : std::clamp(steady_now - age, swept_, steady_now);
      queued_since[open.id] = since;
      const auto gone = not_offered_since_.find({open.device_key, open.devices_per_run});
      offered = gone == not_offered_since_.end();
      if (!offered) waited = steady_now - gone->second;
      // Somebody may queue a run today for a machine that has been off since last week.
      waited = std::min<std::chrono::nanoseconds>(waited, steady_now - since);
    }
    if (waited < options_.lost_after) continue;
    const absl::StatusOr<storage::RunRow> run = tx.FindRun(open.id);
    if (!run.ok()) return run.status();
    const std::string why = offered
                                ? "the agent of host " + run->run.host() + " was away for too long"
                                : "its host has not offered " + DevicesOf(*run) + " any more";
    LAPTIME_RETURN_IF_ERROR(lifecycle.End(*run, v1::RUN_STATE_LOST, Lost(why)));
  }
  queued_since_ = std::move(queued_since);
  swept_ = steady_now;
  return absl::OkStatus();
}

}  // namespace laptime
