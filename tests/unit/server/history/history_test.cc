#include "server/history/history.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <algorithm>

#include "proto/support/status.h"
#include "server/annotate_run.h"
#include "server/history/change_points.h"
#include "server/import_results.h"
#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

class HistoryTest : public testing::CoordinatorFixture {
 protected:
  absl::StatusOr<v1::GetHistoryResponse> History(const v1::GetHistoryRequest& request = {}) {
    absl::StatusOr<v1::GetHistoryResponse> history;
    const absl::Status status = store_->Read([&](const storage::Reader& reader) {
      history = BuildHistory(reader, request, UnixMs(clock_.WallNow()));
      return history.status();
    });
    return status.ok() ? history : status;
  }
  absl::StatusOr<v1::GetHistoryResponse> HistoryOf(const std::string& device,
                                                   const std::string& workload = "",
                                                   int64_t since = 0) {
    v1::GetHistoryRequest request;
    if (!device.empty()) request.add_devices(device);
    request.set_workload(workload);
    request.set_since_unix_ms(since);
    return History(request);
  }

  // One run after the other on the device, with laps of those seconds, each a millisecond later (a
  // lease would end), all of one software; returns their ids.
  std::vector<std::string> Runs(const std::string& device, const std::vector<double>& laps,
                                const std::map<std::string, std::string>& settings = {}) {
    const std::string host = device.substr(0, device.find('/'));
    if (!links_.contains(host)) links_[host] = Attach(host);
    std::vector<std::string> ids;
    for (const double seconds : laps) {
      v1::SubmitJobRequest request;
      request.add_selectors(device);
      for (const auto& [key, value] : settings) (*request.mutable_settings())[key] = value;
      clock_.Advance(std::chrono::milliseconds(1));
      const v1::SubmitJobResponse response = Submit(request);
      Complete(host, *links_[host], seconds);
      ids.push_back(response.runs(0).id());
      Write([&](auto& tx) { return tx.SetRunSegment(ids.back(), "0000", "LibTorch 2.11.0"); });
    }
    return ids;
  }

  void Write(const std::function<absl::Status(storage::Transaction&)>& work) {
    EXPECT_OK(store_->Write(work));
  }
  void SetValidity(const std::string& run_id, v1::Validity validity) {
    v1::Run judged;
    judged.set_validity(validity);
    Write([&](storage::Transaction& tx) { return tx.SetRunValidity(run_id, judged); });
  }

  std::map<std::string, std::shared_ptr<testing::FakeLink>> links_;
};

std::vector<double> SecondsOf(const v1::HistorySeries& series) {
  std::vector<double> seconds;
  for (const v1::HistoryPoint& point : series.points()) seconds.push_back(point.seconds());
  return seconds;
}

TEST_F(HistoryTest, RunsOldestFirst) {
  const std::vector<std::string> runs = Runs("box/cpu", {300, 301, 299, 300, 350});
  ASSERT_OK_AND_ASSIGN(const v1::GetHistoryResponse history, History());
  ASSERT_EQ(history.series_size(), 1);
  const v1::HistorySeries& series = history.series(0);
  EXPECT_EQ(series.device(), "box/cpu");
  EXPECT_EQ(series.workload(), "simclr-cifar10");
  EXPECT_EQ(series.workload_hash(), RunOf(runs[0]).workload_hash());
  EXPECT_EQ(series.source(), "measured");
  EXPECT_EQ(series.segment(), "0000");
  EXPECT_THAT(SecondsOf(series), ElementsAre(300, 301, 299, 300, 350));
  EXPECT_EQ(series.points(0).run_id(), runs[0]);
  EXPECT_EQ(series.points(4).at_unix_ms(), RunOf(runs[4]).started_unix_ms());
  EXPECT_EQ(series.points(4).verdict(), "slower");
  EXPECT_TRUE(series.has_low_seconds());
  EXPECT_FALSE(history.older_left_out());
}

TEST_F(HistoryTest, TheOrderIsThatOfTheStarts) {
  Runs("box/cpu", {});
  v1::SubmitJobRequest request;
  request.add_selectors("box/cpu");
  Submit(request);  // runs at once
  Submit(request);
  request.set_priority(5);
  Submit(request);  // goes before the second
  for (const double seconds : {100.0, 300.0, 200.0}) {
    clock_.Advance(std::chrono::milliseconds(1));
    Complete("box", *links_["box"], seconds);
  }
  ASSERT_OK_AND_ASSIGN(const v1::GetHistoryResponse history, History());
  ASSERT_EQ(history.series_size(), 1);
  EXPECT_THAT(SecondsOf(history.series(0)), ElementsAre(100, 300, 200));
}

TEST_F(HistoryTest, OtherWorkDevicesAndSoftwareAreSeriesOfTheirOwn) {
  const std::vector<std::string> before = Runs("box/cpu", {300, 301, 302});
  Runs("box/cpu", {250, 251});
  Runs("box/cpu", {30}, {{"max_steps_per_epoch", "20"}});
  Runs("fast/cpu", {100});
  for (const std::string& id : before)
    Write([&](auto& tx) { return tx.SetRunSegment(id, "aaaa", "LibTorch 2.10.0"); });
  ASSERT_OK_AND_ASSIGN(v1::GetHistoryResponse history, HistoryOf("box/cpu", "simclr-cifar10"));
  ASSERT_EQ(history.series_size(), 3);
  const auto old_one = std::ranges::find(history.series(), "aaaa", &v1::HistorySeries::segment);
  ASSERT_NE(old_one, history.series().end());
  EXPECT_EQ(old_one->software(), "LibTorch 2.10.0");
  EXPECT_THAT(SecondsOf(*old_one), ElementsAre(300, 301, 302));
  EXPECT_EQ(std::next(old_one)->segment(), "0000");  // by time, not by name
  EXPECT_THAT(SecondsOf(*std::next(old_one)), ElementsAre(250, 251));
  ASSERT_OK_AND_ASSIGN(history, History());
  EXPECT_EQ(history.series_size(), 4);
}

TEST_F(HistoryTest, RunsOfUnknownSoftwareAreShownAndNotJudged) {
  auto link = Attach("box");
  SubmitTo("box/cpu", 5);
  for (const double seconds : {300, 301, 299, 300, 350}) Complete("box", *link, seconds);
  ASSERT_OK_AND_ASSIGN(const v1::GetHistoryResponse history, History());
  ASSERT_EQ(history.series_size(), 1);
  const v1::HistorySeries& series = history.series(0);
  EXPECT_EQ(series.segment(), "");
  EXPECT_THAT(SecondsOf(series), ElementsAre(300, 301, 299, 300, 350));
  EXPECT_FALSE(series.has_mean_seconds());
  for (const v1::HistoryPoint& point : series.points()) EXPECT_EQ(point.verdict(), "");
}

TEST_F(HistoryTest, ChoosesByDeviceWorkloadAndTime) {
  Runs("box/cpu", {300, 301});
  const std::vector<std::string> limited = Runs("box/cpu", {30}, {{"max_steps_per_epoch", "20"}});
  const std::vector<std::string> fast = Runs("fast/cpu", {100, 101});
  ASSERT_OK_AND_ASSIGN(v1::GetHistoryResponse history, HistoryOf("host=fa*"));
  ASSERT_EQ(history.series_size(), 1);
  EXPECT_EQ(history.series(0).device(), "fast/cpu");
  ASSERT_OK_AND_ASSIGN(history, HistoryOf("", RunOf(limited[0]).workload_hash().substr(0, 8)));
  ASSERT_EQ(history.series_size(), 1);
  EXPECT_THAT(SecondsOf(history.series(0)), ElementsAre(30));
  ASSERT_OK_AND_ASSIGN(history, HistoryOf("", "", RunOf(fast[1]).started_unix_ms()));
  ASSERT_EQ(history.series_size(), 1);
  EXPECT_THAT(SecondsOf(history.series(0)), ElementsAre(101));
}

TEST_F(HistoryTest, OnlyRunsThatSucceeded) {
  Runs("box/cpu", {300});
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = links_["box"]->starts().back().attempt();
  EXPECT_OK(Started("box", attempt));
  EXPECT_OK(EpochDone("box", attempt, 1, 300));
  EXPECT_OK(Failed("box", attempt, v1::FAILURE_CAUSE_WORKLOAD));
  ASSERT_OK_AND_ASSIGN(const v1::GetHistoryResponse history, History());
  ASSERT_EQ(history.series_size(), 1);
  EXPECT_EQ(history.series(0).points_size(), 1);
}

TEST_F(HistoryTest, AQuickRunIsItsEstimate) {
  Runs("box/cpu", {});
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = links_["box"]->starts().back().attempt();
  EXPECT_OK(Started("box", attempt));
  EXPECT_OK(EpochDone("box", attempt, 1, 9));
  EXPECT_OK(EpochDone("box", attempt, 2, 9));
  v1::Report report = NewReport(attempt);
  report.mutable_finished()->mutable_trainer()->set_epochs(2);
  report.mutable_finished()->mutable_trainer()->mutable_estimate()->set_epoch_seconds(400);
  EXPECT_OK(Take("box", report));
  ASSERT_OK_AND_ASSIGN(const v1::GetHistoryResponse history, History());
  ASSERT_EQ(history.series_size(), 1);
  EXPECT_THAT(SecondsOf(history.series(0)), ElementsAre(400));
}

TEST_F(HistoryTest, SpoiledRunsKeepTheirValidity) {
  const std::vector<std::string> runs = Runs("box/cpu", {300, 301, 900, 299});
  SetValidity(runs[2], v1::VALIDITY_CONTAMINATED);
  ASSERT_OK_AND_ASSIGN(const v1::GetHistoryResponse history, History());
  EXPECT_EQ(history.series(0).points(2).validity(), v1::VALIDITY_CONTAMINATED);
  EXPECT_NEAR(history.series(0).mean_seconds(), 300, 0.1);
}

TEST_F(HistoryTest, ResultsFromElsewhereAreBesideAndUnjudged) {
  ASSERT_OK(ImportResults(*store_, kPublishedResults, true, 12'345));
  Runs("box/cpu", {300, 301});
  ASSERT_OK_AND_ASSIGN(v1::GetHistoryResponse history, History());
  ASSERT_GT(history.series_size(), 1);
  EXPECT_EQ(history.series(0).source(), "measured");
  const v1::HistorySeries& elsewhere = history.series(1);
  EXPECT_NE(elsewhere.source(), "measured");
  ASSERT_EQ(elsewhere.points_size(), 1);
  EXPECT_EQ(elsewhere.points(0).at_unix_ms(), 12'345);
  EXPECT_EQ(elsewhere.points(0).run_id(), "");
  EXPECT_FALSE(elsewhere.has_mean_seconds());
  // Chosen as devices are; without a time they are in no time.
  ASSERT_OK_AND_ASSIGN(history, HistoryOf("macbook-pro-14-m1-pro/mps"));
  EXPECT_EQ(history.series_size(), 1);
  ASSERT_OK_AND_ASSIGN(history, HistoryOf("", "", 1));
  EXPECT_EQ(history.series_size(), 1);
  ASSERT_OK_AND_ASSIGN(history, HistoryOf("box/cpu"));
  EXPECT_EQ(history.series_size(), 1);
}

TEST_F(HistoryTest, ARemarkStandsAtItsRun) {
  const std::vector<std::string> runs = Runs("box/cpu", {300, 301, 302});
  for (const char* text : {"fan replaced", "and cleaned"}) {
    v1::AnnotateRunRequest request;
    request.set_id(runs[1]);
    request.set_author("ada");
    request.set_text(text);
    ASSERT_OK(AnnotateRun(*store_, request, 7));
  }
  ASSERT_OK_AND_ASSIGN(const v1::GetHistoryResponse history, History());
  EXPECT_EQ(history.series(0).points(0).annotations_size(), 0);
  ASSERT_EQ(history.series(0).points(1).annotations_size(), 2);
  EXPECT_EQ(history.series(0).points(1).annotations(0).text(), "fan replaced");
  EXPECT_EQ(history.series(0).points(1).annotations(0).author(), "ada");
  EXPECT_EQ(history.series(0).points(1).annotations(1).text(), "and cleaned");
}

TEST_F(HistoryTest, TheNewestRemarksOfAllSeriesAreShown) {
  const std::string box = Runs("box/cpu", {300})[0];
  const std::string fast = Runs("fast/cpu", {100})[0];
  Write([&](storage::Transaction& tx) -> absl::Status {
    for (int i = 0; i < kMostAnnotationsShown + 2; ++i) {
      v1::Annotation remark;
      remark.set_text(std::to_string(i));
      LAPTIME_RETURN_IF_ERROR(tx.InsertAnnotation(i < kMostAnnotationsShown ? box : fast, remark));
    }
    return absl::OkStatus();
  });
  ASSERT_OK_AND_ASSIGN(v1::GetHistoryResponse history, History());
  ASSERT_EQ(history.series_size(), 2);
  const v1::HistoryPoint& first = history.series(0).points(0);
  ASSERT_EQ(first.run_id(), box);
  ASSERT_EQ(first.annotations_size(), kMostAnnotationsShown - 2);
  EXPECT_EQ(first.annotations(0).text(), "2");
  const v1::HistoryPoint& second = history.series(1).points(0);
  ASSERT_EQ(second.annotations_size(), 2);
  EXPECT_EQ(second.annotations(1).text(), std::to_string(kMostAnnotationsShown + 1));
  // Those of runs that are not asked for take no place.
  ASSERT_OK_AND_ASSIGN(history, HistoryOf("box/cpu"));
  EXPECT_EQ(history.series(0).points(0).annotations_size(), kMostAnnotationsShown);
}

TEST_F(HistoryTest, UnknownNamesAreNamed) {
  Runs("box/cpu", {300});
  EXPECT_THAT(HistoryOf("box/gpu"),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("no device matches 'box/gpu'\ndid you mean 'box/cpu'?")));
  EXPECT_THAT(HistoryOf("", "simclr-cifar1"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("did you mean 'simclr-cifar10'?")));
  EXPECT_THAT(HistoryOf("", "ffffffff"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no workload 'ffffffff'")));
  EXPECT_THAT(HistoryOf("knd=cpu").status().code(), absl::StatusCode::kInvalidArgument);
  v1::GetHistoryRequest request;
  request.set_filter("validty=clean");
  EXPECT_THAT(History(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("did you mean 'validity'?")));
}

TEST_F(HistoryTest, AFilterChoosesRuns) {
  ASSERT_OK(ImportResults(*store_, kPublishedResults, true, 1));
  Runs("box/cpu", {300, 310, 320});
  v1::GetHistoryRequest request;
  request.set_filter("host=box, epoch_seconds>305");
  ASSERT_OK_AND_ASSIGN(v1::GetHistoryResponse history, History(request));
  ASSERT_EQ(history.series_size(), 1);
  EXPECT_EQ(history.series(0).points_size(), 2);
  request.set_filter("fit_seconds_per_epoch<100, kind=cuda");  // of the published ones
  ASSERT_OK_AND_ASSIGN(history, History(request));
  ASSERT_EQ(history.series_size(), 1);
  EXPECT_EQ(history.series(0).device(), "lightly-a6000/cuda:0");
}

TEST_F(HistoryTest, AnEmptyDatabaseIsAnEmptyAnswer) {
  ASSERT_OK_AND_ASSIGN(v1::GetHistoryResponse history, History());
  EXPECT_EQ(history.series_size(), 0);
  ASSERT_OK_AND_ASSIGN(history, HistoryOf("", "simclr-cifar10"));
  EXPECT_EQ(history.series_size(), 0);
}

// Straight into the tables: the coordinator would take minutes.
class LargeHistoryTest : public HistoryTest {
 protected:
  // Beside the one that is there: `count` runs like it, each a second after the other.
  void Copy(const std::string& run_id, int count) {
    SQLite::Database database(dir_.File("laptime.db"), SQLite::OPEN_READWRITE);
    SQLite::Statement insert(
        database,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) "
        "INSERT INTO run (id, job, device, device_model, repetition, seed, priority, state, "
        "validity, created_unix_ms, started_unix_ms, median_epoch_seconds, segment) "
        "SELECT 'copy-' || i, job, device, device_model, 1, 1, 0, state, validity, "
        "created_unix_ms, started_unix_ms + 1000 * i, median_epoch_seconds + i % 7, segment "
        "FROM run, n WHERE id = ?1");
    insert.bind(1, run_id);
    insert.bind(2, count);
    insert.exec();
  }
};

TEST_F(LargeHistoryTest, ASeriesHasItsNewestRuns) {
  const std::vector<std::string> runs = Runs("box/cpu", {300});
  Copy(runs[0], static_cast<int>(kMostRunsFitted) + 2);
  ASSERT_OK_AND_ASSIGN(const v1::GetHistoryResponse history, History());
  const v1::HistorySeries& series = history.series(0);
  ASSERT_EQ(series.points_size(), static_cast<int>(kMostRunsFitted));
  EXPECT_EQ(series.runs_left_out(), 3);
  EXPECT_EQ(series.points(0).run_id(), "copy-3");
  EXPECT_EQ(series.points().rbegin()->run_id(), "copy-" + std::to_string(kMostRunsFitted + 2));
  EXPECT_FALSE(history.older_left_out());
}

TEST_F(LargeHistoryTest, AnAnswerHasTheNewestRuns) {
  const std::vector<std::string> runs = Runs("box/cpu", {300});
  Copy(runs[0], kMostHistoryRuns - 1);
  ASSERT_OK_AND_ASSIGN(v1::GetHistoryResponse history, History());
  EXPECT_FALSE(history.older_left_out());
  Runs("box/cpu", {300});
  ASSERT_OK_AND_ASSIGN(history, History());
  EXPECT_TRUE(history.older_left_out());
  EXPECT_EQ(history.series(0).runs_left_out(),
            kMostHistoryRuns - static_cast<int>(kMostRunsFitted));
}

}  // namespace
}  // namespace laptime
