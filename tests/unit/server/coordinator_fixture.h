#pragma once

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "server/coordinator.h"
#include "server/job_desk.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/server/fake_link.h"
#include "tests/unit/server/flaky_store.h"

namespace laptime::testing {

// A coordinator over a real database in a temporary directory; agents are played by the test.
class CoordinatorFixture : public ::testing::Test {
 protected:
  CoordinatorFixture() { Restart(); }

  // A new coordinator on the same database, as after kill -9: everything in memory is gone.
  void Restart() {
    desk_.reset();
    coordinator_.reset();
    store_.reset();
    registry_ = std::make_unique<AgentRegistry>(clock_, std::chrono::seconds(15));
    auto store = storage::Store::Open({.path = dir_.File("laptime.db")});
    EXPECT_OK(store);
    store_ = std::make_unique<FlakyStore>(*std::move(store));
    coordinator_ = std::make_unique<Coordinator>(*store_, *registry_, hub_, clock_, options_);
    desk_ = std::make_unique<JobDesk>(*coordinator_, *store_, *registry_, clock_);
  }

  // Returns when everything decided so far, and what followed from it, has been sent.
  void Settle() { store_->Drain(); }

  static v1::Hello HelloOf(const std::string& host,
                           const std::vector<std::string>& devices = {"cpu"}) {
    v1::Hello hello;
    hello.set_protocol(1);
    hello.mutable_host()->set_id("id-" + host);
    hello.mutable_host()->set_name(host);
    hello.set_spool_id("spool-" + host);
    hello.set_next_seq(1);
    for (const std::string& name : devices) {
      v1::Device& device = *hello.add_devices();
      device.set_name(name);
      device.set_kind(name.starts_with("cuda") ? v1::DEVICE_KIND_CUDA
                      : name == "mps"          ? v1::DEVICE_KIND_MPS
                                               : v1::DEVICE_KIND_CPU);
      device.set_model("a chip");
      device.set_address(name);
    }
    return hello;
  }

  absl::Status AttachWith(std::shared_ptr<FakeLink> link, const v1::Hello& hello) {
    std::promise<absl::Status> outcome;
    coordinator_->Attach(link, hello,
                         [&](const absl::Status& status) { outcome.set_value(status); });
    absl::Status status = outcome.get_future().get();
    Settle();
    return status;
  }

  std::shared_ptr<FakeLink> Attach(const std::string& host,
                                   const std::vector<std::string>& devices = {"cpu"}) {
    auto link = std::make_shared<FakeLink>();
    EXPECT_OK(AttachWith(link, HelloOf(host, devices)));
    return link;
  }

  static void AddHeld(v1::Hello& hello, const v1::AttemptRef& attempt, bool alive) {
    v1::HeldAttempt& held = *hello.add_attempts();
    *held.mutable_attempt() = attempt;
    held.set_alive(alive);
  }

  // On a stream of its own, or on `stream`.
  absl::Status Take(const std::string& host, const v1::Report& report,
                    std::shared_ptr<ReportStream> stream = nullptr) {
    if (stream == nullptr) stream = NewStream(host);
    std::promise<absl::Status> outcome;
    coordinator_->Take(std::move(stream), report,
                       [&](const absl::Status& status) { outcome.set_value(status); });
    absl::Status status = outcome.get_future().get();
    Settle();
    return status;
  }

  static std::shared_ptr<ReportStream> NewStream(const std::string& host) {
    return std::make_shared<ReportStream>("id-" + host, "spool-" + host);
  }

  v1::Report NewReport(const v1::AttemptRef& attempt) {
    v1::Report report;
    report.set_seq(++seq_);
    *report.mutable_attempt() = attempt;
    return report;
  }
  absl::Status Started(const std::string& host, const v1::AttemptRef& attempt) {
    v1::Report report = NewReport(attempt);
    report.mutable_started()->set_snapshot_json(snapshot_json_);
    report.mutable_started()->set_started_unix_ms(1000);
    return Take(host, report);
  }
  absl::Status EpochDone(const std::string& host, const v1::AttemptRef& attempt, int number,
                         double seconds = 10) {
    v1::Report report = NewReport(attempt);
    v1::Epoch& epoch = *report.mutable_epoch_finished();
    epoch.set_number(number);
    epoch.set_wall_seconds(seconds);
    epoch.set_mean_loss(5.5 - number * 0.1);
    epoch.set_knn_accuracy(0.2 + number * 0.1);
    epoch.mutable_step_seconds()->set_p50(0.5);
    epoch.set_evaluation_seconds(1);
    epoch.set_evaluated_images(600);
    return Take(host, report);
  }
  absl::Status Finished(const std::string& host, const v1::AttemptRef& attempt,
                        double fit_seconds = 20) {
    v1::Report report = NewReport(attempt);
    report.mutable_finished()->mutable_trainer()->set_fit_seconds(fit_seconds);
    report.mutable_finished()->mutable_trainer()->set_epochs(2);
    report.mutable_finished()->set_ended_unix_ms(2000);
    return Take(host, report);
  }
  absl::Status Failed(const std::string& host, const v1::AttemptRef& attempt,
                      v1::FailureCause cause) {
    v1::Report report = NewReport(attempt);
    report.mutable_failed()->set_cause(cause);
    report.mutable_failed()->set_message("it broke");
    return Take(host, report);
  }

  v1::SubmitJobResponse Submit(v1::SubmitJobRequest request) {
    if (request.workload().empty()) request.set_workload("simclr-cifar10");
    auto response = desk_->Submit(request);
    EXPECT_OK(response);
    Settle();
    return response.ok() ? *response : v1::SubmitJobResponse();
  }
  v1::SubmitJobResponse SubmitTo(const std::string& selector, int repeats = 1) {
    v1::SubmitJobRequest request;
    request.add_selectors(selector);
    request.set_repeats(repeats);
    return Submit(request);
  }
  // Of runs that train on two devices together.
  static v1::SubmitJobRequest Pairs(const std::string& selector) {
    v1::SubmitJobRequest request;
    request.set_workload("simclr-cifar10");
    if (!selector.empty()) request.add_selectors(selector);
    (*request.mutable_settings())["devices_per_run"] = "2";
    return request;
  }

  // A run with two laps, from submission to its end.
  v1::AttemptRef Complete(const std::string& host, FakeLink& link, double lap_seconds = 10) {
    const v1::AttemptRef attempt = link.starts().back().attempt();
    Complete(host, attempt, lap_seconds);
    return attempt;
  }
  void Complete(const std::string& host, const v1::AttemptRef& attempt, double lap_seconds = 10) {
    EXPECT_OK(Started(host, attempt));
    EXPECT_OK(EpochDone(host, attempt, 1, lap_seconds));
    EXPECT_OK(EpochDone(host, attempt, 2, lap_seconds));
    EXPECT_OK(Finished(host, attempt, 2 * lap_seconds + 2));
  }

  v1::Run RunOf(const std::string& run_id) {
    v1::Run run;
    EXPECT_OK(store_->Read([&](const storage::Reader& reader) {
      auto row = reader.FindRun(run_id);
      if (row.ok()) run = row->run;
      return row.status();
    }));
    return run;
  }
  std::vector<v1::Epoch> EpochsOf(const v1::AttemptRef& attempt) {
    std::vector<v1::Epoch> epochs;
    EXPECT_OK(store_->Read([&](const storage::Reader& reader) {
      auto rows = reader.Epochs(attempt.run_id(), attempt.number());
      if (rows.ok()) epochs = *rows;
      return rows.status();
    }));
    return epochs;
  }

  TempDir dir_;
  FakeClock clock_;
  EventHub hub_;
  CoordinatorOptions options_;
  std::unique_ptr<AgentRegistry> registry_;
  std::unique_ptr<FlakyStore> store_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<JobDesk> desk_;
  uint64_t seq_ = 0;
  std::string snapshot_json_ = R"({"dataset":{"name":"cifar10@1a2b3c4d"}})";  // of Started
};

}  // namespace laptime::testing
