// How long the everyday questions take at a coordinator with a year of runs: the real server on
// loopback, asked by RPC, the answer read to its end.
//   laptime_bench_scale [RUNS [SAMPLES_PER_RUN [ROUNDS [ONLY]]]]     default: 10000 1000 100, all
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <iostream>

#include "laptime/v1/control.grpc.pb.h"
#include "proto/support/channel.h"
#include "proto/support/clock.h"
#include "proto/support/status.h"
#include "server/coordinator_server.h"
#include "tests/bench/scale_data.h"
#include "tests/testing/temp_dir.h"

namespace laptime::bench {
namespace {

using Stub = v1::ControlService::Stub;

// The median of the samples must not hide that each answer is about something else: `round`
// chooses.
using Question = std::function<absl::StatusOr<int>(Stub& stub, int round)>;

template <typename Request, typename Response>
absl::StatusOr<Response> Call(Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const Request& request) {
  grpc::ClientContext context;
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

std::string DeviceOf(int round) {
  const std::vector<std::string> names = {"cpu", "cuda:0", "mps"};
  return "lab-" + std::to_string(round % kHosts) + "/" +
         names[static_cast<size_t>(round / kHosts) % names.size()];
}

Question List(const std::function<std::string(int)>& filter, int size = 50) {
  return [filter, size](Stub& stub, int round) -> absl::StatusOr<int> {
    v1::ListRunsRequest request;
    request.set_filter(filter(round));
    request.set_page_size(size);
    const auto runs = Call(stub, &Stub::ListRuns, request);
    if (!runs.ok()) return runs.status();
    return runs->runs_size();
  };
}

Question List(const std::string& filter) {
  return List([filter](int) { return filter; });
}

Question Compare(const std::function<std::string(int)>& a,
                 const std::function<std::string(int)>& b) {
  return [a, b](Stub& stub, int round) -> absl::StatusOr<int> {
    v1::CompareRunsRequest request;
    request.set_a(a(round));
    request.set_b(b(round));
    const auto comparison = Call(stub, &Stub::CompareRuns, request);
    if (!comparison.ok()) return comparison.status();
    return comparison->n_a() + comparison->n_b();
  };
}

Question Table(const std::string& workload) {
  return [workload](Stub& stub, int) -> absl::StatusOr<int> {
    v1::GetTableRequest request;
    request.set_workload(workload);
    const auto table = Call(stub, &Stub::GetTable, request);
    if (!table.ok()) return table.status();
    return table->rows_size();
  };
}

// Until the first rows are there, as `| head` would have it.
Question ExportPage(v1::ExportKind kind) {
  return [kind](Stub& stub, int round) -> absl::StatusOr<int> {
    v1::ExportRowsRequest request;
    request.set_kind(kind);
    request.set_filter("device=" + DeviceOf(round));
    grpc::ClientContext context;
    const auto rows = stub.ExportRows(&context, request);
    v1::ExportRowsResponse page;
    const bool there = rows->Read(&page);
    context.TryCancel();
    while (rows->Read(&page)) {
    }
    const grpc::Status end = rows->Finish();
    if (!there && !end.ok()) return FromGrpc(end);
    return page.runs_size() + page.epochs_size() + page.samples_size();
  };
}

absl::StatusOr<std::vector<std::string>> SomeRuns(Stub& stub) {
  v1::ListRunsRequest request;
  request.set_page_size(1000);
  request.set_filter("state=succeeded");
  const auto runs = Call(stub, &Stub::ListRuns, request);
  if (!runs.ok()) return runs.status();
  std::vector<std::string> ids;
  for (const v1::Run& run : runs->runs()) ids.push_back(run.id());
  return ids;
}

std::vector<std::pair<std::string, Question>> Questions(const std::vector<std::string>& ids) {
  const std::string main = "workload=" + MainWorkload().substr(0, 12);
  const auto of = [main](const std::string& more) {
    return [main, more](int round) { return main + ",device=" + DeviceOf(round) + more; };
  };
  const auto next = [main](const std::string& more) {
    return [main, more](int round) { return main + ",device=" + DeviceOf(round + 1) + more; };
  };
  return {
      {"run list", List("")},
      {"run list of a device", List([](int round) { return "device=" + DeviceOf(round); })},
      {"run list device, clean, 30d",
       List([](int round) { return "device=" + DeviceOf(round) + ",validity=clean,since=30d"; })},
      {"run list host=lab-*", List("host=lab-*")},
      {"run list state=failed", List("state=failed")},
      {"run list workload", List(main)},
      {"run list batch_size>=256", List("batch_size>=256")},
      {"run list note~fan", List("note~fan")},
      {"run list epoch_seconds<120", List("epoch_seconds<120")},
      {"run list, nothing found", List("epoch_seconds<0")},
      {"run show",
       [ids](Stub& stub, int round) -> absl::StatusOr<int> {
         v1::GetRunRequest request;
         request.set_id(ids[static_cast<size_t>(round) * 7 % ids.size()]);
         const auto run = Call(stub, &Stub::GetRun, request);
         if (!run.ok()) return run.status();
         return run->epochs_size();
       }},
      {"samples of a run",
       [ids](Stub& stub, int round) -> absl::StatusOr<int> {
         v1::ListSamplesRequest request;
         request.set_run_id(ids[static_cast<size_t>(round) * 7 % ids.size()]);
         const auto samples = Call(stub, &Stub::ListSamples, request);
         if (!samples.ok()) return samples.status();
         int count = 0;
         for (const v1::SampleSeries& series : samples->series()) count += series.values_size();
         return count;
       }},
      {"table", Table("simclr-cifar10")},
      {"table of another workload", Table("resnet50-imagenet-shape")},
      {"compare two devices, 90d", Compare(of(",since=90d"), next(",since=90d"))},
      {"compare two devices, all", Compare(of(""), next(""))},
      {"history of a device",
       [](Stub& stub, int round) -> absl::StatusOr<int> {
         v1::GetHistoryRequest request;
         request.add_devices(DeviceOf(round));
         request.set_workload("simclr-cifar10");
         const auto history = Call(stub, &Stub::GetHistory, request);
         if (!history.ok()) return history.status();
         return history->series_size();
       }},
      {"matrix",
       [](Stub& stub, int) -> absl::StatusOr<int> {
         const auto matrix = Call(stub, &Stub::GetMatrix, v1::GetMatrixRequest());
         if (!matrix.ok()) return matrix.status();
         return matrix->cells_size();
       }},
      {"export runs, first page", ExportPage(v1::EXPORT_KIND_RUNS)},
      {"export epochs, first page", ExportPage(v1::EXPORT_KIND_EPOCHS)},
      {"export samples, first page", ExportPage(v1::EXPORT_KIND_SAMPLES)},
  };
}

// Of the whole process, in which only the question is at work: what a busy machine does not change.
double ProcessorMilliseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

void Measure(Stub& stub, const std::string& name, const Question& question, int rounds) {
  std::vector<double> milliseconds;
  std::vector<double> processor;
  int answer = 0;
  for (int round = -3; round < rounds; ++round) {  // three to warm up
    const double processor_before = ProcessorMilliseconds();
    const auto begin = std::chrono::steady_clock::now();
    const absl::StatusOr<int> rows = question(stub, std::abs(round));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    if (!rows.ok()) {
      std::printf("%-30s %s\n", name.c_str(), MessageOf(rows.status()).c_str());
      return;
    }
    if (round < 0) continue;
    milliseconds.push_back(took.count());
    processor.push_back(ProcessorMilliseconds() - processor_before);
    answer = std::max(answer, *rows);
  }
  const auto at = [](std::vector<double>& values, size_t percent) {
    std::ranges::sort(values);
    return values[(values.size() - 1) * percent / 100];
  };
  std::printf("%-30s %8.2f %8.2f %8.2f %8.2f %8.2f %8d\n", name.c_str(), at(milliseconds, 50),
              at(milliseconds, 95), at(milliseconds, 100), at(processor, 50), at(processor, 95),
              answer);
  std::fflush(stdout);
}

absl::Status Run(const Scale& scale, int rounds, const std::string& only) {
  const testing::TempDir dir;
  const SystemClock clock;
  CoordinatorServerOptions options;
  options.state_dir = dir.File("state");
  options.grpc.address = "127.0.0.1:0";
  const std::string path = options.state_dir + "/laptime.db";
  if (auto made = storage::Store::Open({.path = path}); !made.ok()) return made.status();
  const auto begin = std::chrono::steady_clock::now();
  Generate(path, scale, UnixMs(clock.WallNow()));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%d runs, %.1f million samples, %.0f MB, made in %.0f s\n", scale.runs,
              1e-6 * scale.runs * scale.samples_per_run,
              static_cast<double>(std::filesystem::file_size(path)) / 1e6, took.count());
  auto server = CoordinatorServer::Start(options, clock);
  if (!server.ok()) return server.status();
  const auto stub = v1::ControlService::NewStub(NewChannel((*server)->address()));
  const auto ids = SomeRuns(*stub);
  if (!ids.ok()) return ids.status();
  std::printf("%-30s %8s %8s %8s %8s %8s %8s\n", "milliseconds", "p50", "p95", "worst", "cpu p50",
              "cpu p95", "rows");
  for (const auto& [name, question] : Questions(*ids)) {
    if (name.starts_with(only)) Measure(*stub, name, question, rounds);
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace laptime::bench

int main(int argc, char** argv) {
  const auto number = [&](int index, int otherwise) {
    return argc > index ? std::max(1, std::atoi(argv[index])) : otherwise;
  };
  const laptime::bench::Scale scale{number(1, 10'000), number(2, 1'000)};
  const absl::Status status = laptime::bench::Run(scale, number(3, 100), argc > 4 ? argv[4] : "");
  if (status.ok()) return 0;
  std::cerr << "error: " << status << "\n";
  return 1;
}
