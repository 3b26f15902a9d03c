// R4: what people ask, while reports arrive at a coordinator with a year of runs.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <filesystem>

#include "proto/support/status.h"
#include "tests/load/large_database.h"
#include "tests/load/scenario.h"
#include "tests/load/tally.h"

namespace laptime::load {
namespace {

// One of the generated database's devices.
std::string DeviceOf(int round) {
  static constexpr const char* kNames[] = {"cpu", "cuda:0", "mps"};
  return "lab-" + std::to_string(round % 8) + "/" + kNames[round / 8 % 3];
}

absl::Status AskHistory(v1::ControlService::Stub& control, int round) {
  grpc::ClientContext context;
  v1::GetHistoryRequest request;
  request.add_devices(DeviceOf(round));
  request.set_workload("simclr-cifar10");
  v1::GetHistoryResponse answer;
  if (const grpc::Status status = control.GetHistory(&context, request, &answer); !status.ok()) {
    return FromGrpc(status);
  }
  return answer.series_size() > 0 ? absl::OkStatus() : absl::NotFoundError("no history");
}

absl::Status AskRuns(v1::ControlService::Stub& control, int round) {
  grpc::ClientContext context;
  v1::ListRunsRequest request;
  request.set_filter("device=" + DeviceOf(round));
  request.set_page_size(50);
  v1::ListRunsResponse answer;
  if (const grpc::Status status = control.ListRuns(&context, request, &answer); !status.ok()) {
    return FromGrpc(status);
  }
  return answer.runs_size() > 0 ? absl::OkStatus() : absl::NotFoundError("no runs");
}

struct Answers {
  std::vector<double> history, runs;
  double most_wal = 0;
};

// Both questions in turn, about another device each time, until `end`.
absl::Status Ask(Scenario& scenario, TimePoint end, Answers& answers) {
  for (int round = 0; std::chrono::steady_clock::now() < end; ++round) {
    const TimePoint begin = std::chrono::steady_clock::now();
    LAPTIME_RETURN_IF_ERROR(AskHistory(scenario.control(), round));
    const TimePoint between = std::chrono::steady_clock::now();
    LAPTIME_RETURN_IF_ERROR(AskRuns(scenario.control(), round));
    const TimePoint after = std::chrono::steady_clock::now();
    answers.history.push_back(std::chrono::duration<double>(between - begin).count());
    answers.runs.push_back(std::chrono::duration<double>(after - between).count());
    answers.most_wal = std::max(answers.most_wal, scenario.WalBytes());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureQueries(const Settings& settings, Figures& figures) {
  const testing::TempDir made;
  const auto database = LargeDatabase(settings, made.path().string());
  if (!database.ok()) return database.status();
  auto scenario = Scenario::Start(settings, *database);
  if (!scenario.ok()) return scenario.status();
  AgentScript script = ScriptOf(settings);
  script.least_lap_seconds = script.most_lap_seconds = settings.agents / settings.rate;
  const auto attached = (*scenario)->Attach(settings, script);
  if (!attached.ok()) return attached.status();
  Fleet& fleet = **attached;
  Answers quiet;
  LAPTIME_RETURN_IF_ERROR(
      Ask(**scenario, std::chrono::steady_clock::now() + std::chrono::seconds(3), quiet));
  const absl::StatusOr<int> runs = (*scenario)->Submit(settings.repeats, settings.epochs);
  if (!runs.ok()) return runs.status();
  Eventually(kPatience, [&] { return fleet.counters().running == settings.agents; });
  fleet.TakeAckSeconds();
  const int64_t before = fleet.counters().acknowledged;
  const TimePoint begin = std::chrono::steady_clock::now();
  Answers busy;
  LAPTIME_RETURN_IF_ERROR(
      Ask(**scenario,
          begin + std::chrono::nanoseconds(static_cast<int64_t>(1e9 * settings.seconds)), busy));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto reports = static_cast<double>(fleet.counters().acknowledged - before);
  std::vector<double> acks = fleet.TakeAckSeconds();
  const bool drained = fleet.Drain(kPatience);
  figures.Note("R4", "database",
               Text(static_cast<double>(std::filesystem::file_size(*database)) / 1e6, "MB"));
  figures.Line("R4", "reports durable meanwhile", Asked::kAtLeast, settings.rate * 0.98,
               reports / took.count(), "/s", "acknowledged: " + Milliseconds(acks));
  figures.Line("R4", "history of a device, p95", Asked::kAtMost, 100,
               1e3 * Percentile(busy.history, 95), "ms",
               Milliseconds(busy.history) + "; without reports " + Milliseconds(quiet.history));
  figures.Line("R4", "run list of a device, p95", Asked::kAtMost, 100,
               1e3 * Percentile(busy.runs, 95), "ms",
               Milliseconds(busy.runs) + "; without reports " + Milliseconds(quiet.runs));
  figures.Line("R4", "largest write-ahead log", Asked::kAtMost, 64, busy.most_wal / 1e6, "MB");
  figures.Count("R4", "reports never acknowledged", drained ? 0 : fleet.counters().waiting.load());
  Print("R4", Count((*scenario)->database(), fleet.Attempts()), /*runs_must_succeed=*/false,
        figures);
  return absl::OkStatus();
}

}  // namespace laptime::load
