#include "tests/fuzz/coordinator_parts.h"

#include <spdlog/spdlog.h>

#include "server/annotate_run.h"
#include "server/import_results.h"
#include "tests/fuzz/harness.h"

namespace laptime::fuzz {
namespace {

constexpr char kSnapshot[] =
    R"({"dataset":{"name":"cifar10@1a2b3c4d"},"host":{"os":"Debian 12"},"versions":{"libtorch":"2.11.0"}})";

v1::Report ReportOf(const v1::AttemptRef& attempt, uint64_t seq) {
  v1::Report report;
  report.set_seq(seq);
  *report.mutable_attempt() = attempt;
  return report;
}

v1::Report LapOf(const v1::AttemptRef& attempt, uint64_t seq, int number) {
  v1::Report report = ReportOf(attempt, seq);
  v1::Epoch& epoch = *report.mutable_epoch_finished();
  epoch.set_number(number);
  epoch.set_wall_seconds(10);
  epoch.set_mean_loss(5.5 - number * 0.1);
  epoch.set_knn_accuracy(0.3);
  epoch.mutable_step_seconds()->set_p50(0.5);
  epoch.mutable_phases()->set_forward(3);
  epoch.set_evaluation_seconds(1);
  epoch.set_evaluated_images(600);
  return report;
}

// A run's whole life, as its agent tells it.
std::vector<v1::Report> WholeLife(const v1::AttemptRef& attempt, int laps) {
  uint64_t seq = 0;
  std::vector<v1::Report> reports = {ReportOf(attempt, ++seq)};
  reports.back().mutable_started()->set_snapshot_json(kSnapshot);
  reports.back().mutable_started()->set_started_unix_ms(1'500'000'000'000);
  for (int lap = 1; lap <= laps; ++lap) reports.push_back(LapOf(attempt, ++seq, lap));
  reports.push_back(ReportOf(attempt, ++seq));
  v1::SampleSeries& series = *reports.back().mutable_samples()->add_series();
  series.mutable_sensor()->set_name("device_utilization");
  series.mutable_sensor()->set_source("procfs");
  for (int i = 0; i < 3; ++i) {
    series.add_times_ms(1000 * i);
    series.add_values(90);
  }
  reports.push_back(ReportOf(attempt, ++seq));
  reports.back().mutable_log_chunk()->set_text("hello\n");
  reports.push_back(ReportOf(attempt, ++seq));
  reports.back().mutable_finished()->mutable_trainer()->set_fit_seconds(22);
  reports.back().mutable_finished()->mutable_trainer()->set_epochs(laps);
  reports.back().mutable_finished()->set_ended_unix_ms(1'500'000'030'000);
  return reports;
}

}  // namespace

v1::Hello BoxHello() {
  v1::Hello hello;
  hello.set_protocol(1);
  hello.mutable_host()->set_id("id-box");
  hello.mutable_host()->set_name("box");
  hello.set_spool_id("spool");
  hello.set_next_seq(1);
  for (const char* name : {"cpu", "cuda:0", "cuda:1"}) {
    v1::Device& device = *hello.add_devices();
    device.set_name(name);
    device.set_kind(device.name() == "cpu" ? v1::DEVICE_KIND_CPU : v1::DEVICE_KIND_CUDA);
    device.set_model("a chip");
    device.set_address(name);
  }
  return hello;
}

SeededStore::SeededStore() {
  spdlog::set_level(spdlog::level::off);
  CoordinatorParts parts(store);
  // The first stands for all: each look at what is stored reads every one anew.
  const std::string published = kPublishedResults;
  const std::string reference = published.substr(0, published.find('\n') + 1);
  Must(ImportResults(store, reference, /*published=*/true, 1).ok(), "a reference");
  const auto link = std::make_shared<StubLink>();
  parts.coordinator.Attach(
      link, BoxHello(), [](const absl::Status& status) { Must(status.ok(), "the seed attaches"); });
  v1::SubmitJobRequest request;
  request.set_workload("simclr-cifar10");
  request.add_selectors("box/cpu");
  request.set_repeats(2);
  (*request.mutable_settings())["epochs"] = "2";
  Must(parts.desk.Submit(request).ok(), "the seed's job is taken");
  Must(link->starts.size() == 1, "the first run is given out");
  done = link->starts[0].attempt();
  const auto stream = std::make_shared<ReportStream>("id-box", "spool");
  for (const v1::Report& report : WholeLife(done, 2)) {
    parts.coordinator.Take(stream, report, [](const absl::Status& status) {
      Must(status.ok(), "the seed's report is taken: " + std::string(status.message()));
    });
  }
  Must(link->starts.size() == 2, "the second run is given out");
  started = link->starts[1].attempt();
  v1::AnnotateRunRequest remark;
  remark.set_id(done.run_id());
  remark.set_text("a remark");
  remark.set_author("me");
  Must(AnnotateRun(store, remark, 1).ok(), "the seed's remark is taken");
  store.Keep();
}

v1::AttemptRef SeededStore::Real(const v1::AttemptRef& named) const {
  if (named.run_id() != "1" && named.run_id() != "2") return named;
  v1::AttemptRef real = named.run_id() == "1" ? done : started;
  if (named.number() != 0) real.set_number(named.number());
  if (named.fencing_token() != 0) real.set_fencing_token(named.fencing_token());
  return real;
}

std::string SeededStore::RealRun(const std::string& named) const {
  if (named == "1") return done.run_id();
  return named == "2" ? started.run_id() : named;
}

}  // namespace laptime::fuzz
