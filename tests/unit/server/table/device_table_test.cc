#include "server/table/device_table.h"

#include <algorithm>
#include <cmath>

#include "server/import_results.h"
#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

class DeviceTableTest : public testing::CoordinatorFixture {
 protected:
  // A run of that time, judged so.
  void Judged(testing::FakeLink& link, double seconds, v1::Validity validity,
              const std::string& gate, std::map<std::string, std::string> settings = {}) {
    Submit(Request(settings));
    const v1::AttemptRef attempt = Complete("box", link, seconds);
    v1::Run judged;
    judged.set_validity(validity);
    judged.set_learning_gate(gate);
    judged.add_validity_reasons("noise");
    ASSERT_OK(store_->Write(
        [&](storage::Transaction& tx) { return tx.SetRunValidity(attempt.run_id(), judged); }));
  }
  absl::StatusOr<v1::GetTableResponse> BestTable() {
    v1::GetTableRequest request;
    request.set_best(true);
    absl::StatusOr<v1::GetTableResponse> table;
    EXPECT_OK(store_->Read([&](const storage::Reader& reader) {
      table = BuildTable(reader, request);
      return table.status();
    }));
    return table;
  }
  absl::StatusOr<v1::GetTableResponse> Table(const std::string& workload,
                                             const std::string& baseline = "") {
    v1::GetTableRequest request;
    request.set_workload(workload);
    request.set_baseline(baseline);
    absl::StatusOr<v1::GetTableResponse> table;
    absl::Status status = store_->Read([&](const storage::Reader& reader) {
      table = BuildTable(reader, request);
      return table.status();
    });
    return status.ok() ? table : status;
  }
  static const v1::TableRow* Row(const v1::GetTableResponse& table, const std::string& device) {
    auto row =
        std::ranges::find_if(table.rows(), [&](const auto& one) { return one.device() == device; });
    return row == table.rows().end() ? nullptr : &*row;
  }
  v1::SubmitJobRequest Request(const std::map<std::string, std::string>& settings) {
    v1::SubmitJobRequest request;
    request.add_selectors("box/cpu");
    for (const auto& [key, value] : settings) (*request.mutable_settings())[key] = value;
    return request;
  }
};

TEST_F(DeviceTableTest, ShowsPublishedRowsWithTheRatiosOfTheirSource) {
  ASSERT_OK(ImportResults(*store_, kPublishedResults, true, 1));
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse table, Table("", "macbook-pro-14-m1-pro/mps"));
  ASSERT_EQ(table.rows_size(), 4);
  EXPECT_EQ(table.rows(0).device(), "lightly-a6000/cuda:0");
  EXPECT_NEAR(Row(table, "macbook-pro-14-m1-pro/cpu")->ratio(), 8.8, 0.05);
  EXPECT_NEAR(1 / Row(table, "lightly-a6000/cuda:0")->ratio(), 13.8, 0.05);
  EXPECT_NEAR(Row(table, "macbook-air-13-m2/mps")->epoch_seconds() / 60, 8.5, 0.05);
  EXPECT_THAT(Row(table, "macbook-air-13-m2/mps")->marks(), ElementsAre("published", "derived"));
}

TEST_F(DeviceTableTest, AFullRunStandsBesideThemByItsWholeFit) {
  ASSERT_OK(ImportResults(*store_, kPublishedResults, true, 1));
  auto link = Attach("box");
  SubmitTo("box/cpu");
  Complete("box", *link, 400);  // laps of 400 s, a fit of 401 s an epoch
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse table,
                       Table("simclr-cifar10", "macbook-pro-14-m1-pro/mps"));
  const v1::TableRow* row = Row(table, "box/cpu");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->epoch_seconds(), 400);
  EXPECT_NEAR(row->ratio(), 401.0 / 405.0, 1e-9);
  EXPECT_TRUE(row->marks().empty());
}

TEST_F(DeviceTableTest, AQuickRunStandsAsItsEstimate) {
  auto link = Attach("box");
  Submit(Request({{"quick", "true"}}));
  const v1::AttemptRef attempt = link->starts().back().attempt();
  ASSERT_OK(Started("box", attempt));
  ASSERT_OK(EpochDone("box", attempt, 1));
  v1::Report end = NewReport(attempt);
  end.mutable_finished()->mutable_trainer()->set_epochs(1);
  end.mutable_finished()->mutable_trainer()->mutable_estimate()->set_epoch_seconds(1500);
  ASSERT_OK(Take("box", end));
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse table, Table("simclr-cifar10"));
  ASSERT_EQ(table.rows_size(), 1);
  EXPECT_EQ(table.rows(0).epoch_seconds(), 1500);
  EXPECT_THAT(table.rows(0).marks(), ElementsAre("estimated", "partial"));
  EXPECT_FALSE(table.rows(0).has_ratio());
}

TEST_F(DeviceTableTest, ALimitedRunIsAnEstimateWithoutRatioInARowOfItsOwn) {
  auto link = Attach("box");
  Submit(Request({{"max_steps_per_epoch", "20"}}));
  Complete("box", *link);
  SubmitTo("box/cpu");
  Complete("box", *link, 300);
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse table, Table("simclr-cifar10"));
  ASSERT_EQ(table.rows_size(), 2);
  EXPECT_EQ(table.rows(0).epoch_seconds(), 300);
  const v1::TableRow& estimate = table.rows(1);
  EXPECT_THAT(estimate.marks(), ElementsAre("estimated", "partial"));
  EXPECT_FALSE(estimate.has_ratio());
  // 390 steps of 0.5 s, and 1 s for 600 images scaled to 60,000.
  EXPECT_NEAR(estimate.epoch_seconds(), 390 * 0.5 + 100, 1e-9);
}

TEST_F(DeviceTableTest, EnergyIsOfWholeEpochsOnly) {
  auto link = Attach("box");
  const auto run = [&](const std::map<std::string, std::string>& settings) {
    Submit(Request(settings));
    const v1::AttemptRef attempt = link->starts().back().attempt();
    ASSERT_OK(Started("box", attempt));
    for (int number = 1; number <= 2; ++number) {
      v1::Report report = NewReport(attempt);
      report.mutable_epoch_finished()->set_number(number);
      report.mutable_epoch_finished()->set_wall_seconds(10);
      report.mutable_epoch_finished()->mutable_energy()->set_joules(500);
      ASSERT_OK(Take("box", report));
    }
    ASSERT_OK(Finished("box", attempt));
  };
  run({});
  EXPECT_EQ(Table("simclr-cifar10")->rows(0).joules_per_epoch(), 500);
  run({{"train_images", "512"}});
  ASSERT_OK_AND_ASSIGN(const v1::GetTableResponse table, Table("simclr-cifar10"));
  for (const v1::TableRow& row : table.rows())
    EXPECT_EQ(row.has_joules_per_epoch(), row.marks().empty());
}

TEST_F(DeviceTableTest, ALimitedClassifierIsAnEstimateOfItsStepsAlone) {
  auto link = Attach("box");
  v1::SubmitJobRequest request = Request({{"max_steps_per_epoch", "20"}});
  request.set_workload("resnet18-imagenet-shape");
  Submit(request);
  Complete("box", *link);
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse table, Table("resnet18-imagenet-shape"));
  ASSERT_EQ(table.rows_size(), 1);
  EXPECT_NEAR(table.rows(0).epoch_seconds(), 40 * 0.5, 1e-9);
}

TEST_F(DeviceTableTest, SyntheticResultsNeverMixWithRealOnes) {
  auto link = Attach("box");
  Submit(Request({{"dataset", "synthetic-cifar10"}}));
  Complete("box", *link, 10);
  SubmitTo("box/cpu");
  Complete("box", *link, 300);
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse table, Table("simclr-cifar10"));
  ASSERT_EQ(table.rows_size(), 2);
  EXPECT_EQ(table.rows(0).epoch_seconds(), 300);
  EXPECT_THAT(table.rows(1).marks(), ElementsAre("synthetic"));
  EXPECT_FALSE(table.rows(1).has_ratio());
}

TEST_F(DeviceTableTest, OtherWorkIsNotInTheTable) {
  auto link = Attach("box");
  Submit(Request({{"batch_size", "64"}}));
  Complete("box", *link);
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse table, Table("simclr-cifar10"));
  EXPECT_EQ(table.rows_size(), 0);
}

TEST_F(DeviceTableTest, TakesTheMedianOverRuns) {
  auto link = Attach("box");
  SubmitTo("box/cpu", 3);
  for (double seconds : {300.0, 100.0, 200.0}) Complete("box", *link, seconds);
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse table, Table("simclr-cifar10"));
  EXPECT_EQ(table.rows(0).runs(), 3);
  EXPECT_EQ(table.rows(0).epoch_seconds(), 200);
  EXPECT_EQ(table.rows(0).min_epoch_seconds(), 100);
  EXPECT_EQ(table.rows(0).max_epoch_seconds(), 300);
}

TEST_F(DeviceTableTest, WhatDoesNotCountLeavesTheRow) {
  auto link = Attach("box");
  Judged(*link, 300, v1::VALIDITY_SUSPECT, "not evaluated");
  Judged(*link, 100, v1::VALIDITY_CONTAMINATED, "passed");
  Judged(*link, 50, v1::VALIDITY_INVALID, "failed");
  Judged(*link, 200, v1::VALIDITY_CLEAN, "passed");
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse table, Table("simclr-cifar10"));
  ASSERT_EQ(table.rows_size(), 1);
  EXPECT_EQ(table.rows(0).runs(), 2);
  EXPECT_EQ(table.rows(0).runs_left_out(), 2);
  EXPECT_EQ(table.rows(0).epoch_seconds(), 250);
}

TEST_F(DeviceTableTest, OnlyContaminatedRunsMakeAMarkedRowWithoutRatio) {
  auto link = Attach("box");
  Judged(*link, 100, v1::VALIDITY_CONTAMINATED, "passed");
  Judged(*link, 50, v1::VALIDITY_INVALID, "failed");
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse table, Table("simclr-cifar10"));
  EXPECT_EQ(table.rows(0).epoch_seconds(), 100);
  EXPECT_THAT(table.rows(0).marks(), ElementsAre("contaminated"));
  EXPECT_FALSE(table.rows(0).has_ratio());
  EXPECT_FALSE(table.rows(0).publishable());
}

TEST_F(DeviceTableTest, OnlyInvalidRunsHaveNoTime) {
  ASSERT_OK(ImportResults(*store_, kPublishedResults, true, 1));
  auto link = Attach("box");
  Judged(*link, 1, v1::VALIDITY_INVALID, "failed");
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse table, Table("simclr-cifar10"));
  const v1::TableRow& last = *table.rows().rbegin();
  EXPECT_EQ(last.device(), "box/cpu");
  EXPECT_FALSE(last.has_epoch_seconds());
  EXPECT_THAT(last.marks(), ElementsAre("invalid"));
  EXPECT_EQ(table.baseline(), "lightly-a6000/cuda:0");
}

TEST_F(DeviceTableTest, TellsTheIntervalOfSeveralRuns) {
  auto link = Attach("box");
  Judged(*link, 100, v1::VALIDITY_CLEAN, "passed");
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse one, Table("simclr-cifar10"));
  EXPECT_FALSE(one.rows(0).has_low_seconds());
  Judged(*link, 101, v1::VALIDITY_CLEAN, "passed");
  Judged(*link, 102, v1::VALIDITY_CLEAN, "passed");
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse table, Table("simclr-cifar10"));
  EXPECT_LT(table.rows(0).low_seconds(), 100);
  EXPECT_GT(table.rows(0).high_seconds(), 102);
  // It is the geometric mean's, which is not the median.
  Judged(*link, 160, v1::VALIDITY_CLEAN, "passed");
  ASSERT_OK_AND_ASSIGN(table, Table("simclr-cifar10"));
  EXPECT_NEAR(table.rows(0).low_seconds() * table.rows(0).high_seconds(),
              std::sqrt(100.0 * 101 * 102 * 160), 1e-6);
}

TEST_F(DeviceTableTest, SaysWhatKeepsATimeFromBeingPublished) {
  auto link = Attach("box");
  const auto objection = [this] { return Table("simclr-cifar10")->rows(0).not_publishable(); };
  Judged(*link, 100, v1::VALIDITY_CLEAN, "passed");
  EXPECT_EQ(objection(), "1 of 3 runs");
  Judged(*link, 101, v1::VALIDITY_CLEAN, "passed");
  Judged(*link, 102, v1::VALIDITY_CLEAN, "passed");
  EXPECT_TRUE(Table("simclr-cifar10")->rows(0).publishable());
  Judged(*link, 3, v1::VALIDITY_CLEAN, "passed");  // two laps of 3 s
  EXPECT_THAT(objection(), HasSubstr("has 2 of 5 laps"));
  Judged(*link, 100, v1::VALIDITY_SUSPECT, "passed");
  EXPECT_FALSE(Table("simclr-cifar10")->rows(0).publishable());
}

TEST_F(DeviceTableTest, ABestTableHasEachDevicesFastestThatLearned) {
  auto link = Attach("box");
  Judged(*link, 300, v1::VALIDITY_CLEAN, "passed");
  Judged(*link, 200, v1::VALIDITY_CLEAN, "passed", {{"batch_size", "512"}});
  Judged(*link, 100, v1::VALIDITY_SUSPECT, "not evaluated", {{"precision", "bf16"}});
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse best, BestTable());
  ASSERT_EQ(best.rows_size(), 1);
  EXPECT_EQ(best.rows(0).epoch_seconds(), 200);
  EXPECT_EQ(best.rows(0).variant(), "batch 512, fp32");
  ASSERT_OK_AND_ASSIGN(v1::GetTableResponse fair, Table("simclr-cifar10"));
  EXPECT_EQ(fair.rows(0).epoch_seconds(), 300);
}

TEST_F(DeviceTableTest, RefusesABaselineThatClaimsNoRatio) {
  auto link = Attach("box");
  Submit(Request({{"max_steps_per_epoch", "20"}}));
  Complete("box", *link);
  EXPECT_THAT(Table("simclr-cifar10", "box/cpu"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no full result")));
  EXPECT_THAT(Table("simclr-cifar10", "x/y"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("not in the table")));
  EXPECT_THAT(Table("simclr-cifar1"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("unknown workload")));
}

}  // namespace
}  // namespace laptime
