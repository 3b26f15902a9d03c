#include "server/noise_floor.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

using ::testing::IsEmpty;

class NoiseFloorTest : public testing::CoordinatorFixture {
 protected:
  // Calibration runs of these estimates; their ids.
  std::vector<std::string> Calibrate(testing::FakeLink& link, const std::vector<double>& estimates,
                                     const std::string& precision = "fp32",
                                     const std::string& kernel = "6.1") {
    std::vector<std::string> runs;
    v1::SubmitJobRequest request;
    (*request.mutable_settings())["precision"] = precision;
    request.set_workload(kCalibrationWorkload);
    request.add_selectors("box/cpu");
    request.set_repeats(static_cast<int>(estimates.size()));
    Submit(request);
    for (const double seconds : estimates) {
      const v1::AttemptRef attempt = link.starts().back().attempt();
      v1::Report started = NewReport(attempt);
      started.mutable_started()->set_snapshot_json(R"({"host":{"kernel":")" + kernel + R"("}})");
      started.mutable_started()->set_started_unix_ms(1000);
      EXPECT_OK(Take("box", started));
      EXPECT_OK(EpochDone("box", attempt, 1));
      v1::Report end = NewReport(attempt);
      end.mutable_finished()->mutable_trainer()->set_epochs(1);
      end.mutable_finished()->mutable_trainer()->mutable_estimate()->set_epoch_seconds(seconds);
      EXPECT_OK(Take("box", end));
      runs.push_back(attempt.run_id());
    }
    return runs;
  }
  std::map<std::string, DeviceNoise> Floors() {
    std::map<std::string, DeviceNoise> found;
    EXPECT_OK(store_->Read([&](const storage::Reader& reader) {
      auto floors = NoiseFloors(reader, reader.Devices().value());
      if (floors.ok()) found = *floors;
      return floors.status();
    }));
    return found;
  }
};

TEST_F(NoiseFloorTest, ComesFromCalibrationRuns) {
  auto link = Attach("box");
  Calibrate(*link, {100, 100, 100 * std::exp(0.03)});
  const DeviceNoise noise = Floors().at("box/cpu");
  EXPECT_EQ(noise.runs, 3);
  // sd = 0.03 / sqrt(3), t(0.975, 2) = 4.302653.
  EXPECT_NEAR(noise.floor, std::expm1(4.302653 * 0.03 / std::sqrt(3) * std::sqrt(2.0 / 3)), 1e-7);
}

TEST_F(NoiseFloorTest, TwoRunsTellNothing) {
  auto link = Attach("box");
  Calibrate(*link, {100, 101});
  EXPECT_THAT(Floors(), IsEmpty());
}

TEST_F(NoiseFloorTest, OtherWorkTellsNothing) {
  auto link = Attach("box");
  SubmitTo("box/cpu", 3);
  for (double seconds : {300.0, 100.0, 200.0}) Complete("box", *link, seconds);
  EXPECT_THAT(Floors(), IsEmpty());
}

TEST_F(NoiseFloorTest, OfOtherWorkOrSoftwareTheNewestCount) {
  auto link = Attach("box");
  Calibrate(*link, {50, 100, 200});
  Calibrate(*link, {10, 10, 10}, "bf16");
  EXPECT_EQ(Floors().at("box/cpu").floor, 0);
  Calibrate(*link, {20, 20, 20}, "bf16", "6.2");
  EXPECT_EQ(Floors().at("box/cpu").runs, 3);
  EXPECT_EQ(Floors().at("box/cpu").floor, 0);
}

TEST_F(NoiseFloorTest, WhatDoesNotCountTellsNothing) {
  auto link = Attach("box");
  const std::vector<std::string> runs = Calibrate(*link, {100, 100, 100, 300});
  EXPECT_GT(Floors().at("box/cpu").floor, 0.1);
  v1::Run contaminated;
  contaminated.set_validity(v1::VALIDITY_CONTAMINATED);
  ASSERT_OK(store_->Write(
      [&](storage::Transaction& tx) { return tx.SetRunValidity(runs.back(), contaminated); }));
  EXPECT_EQ(Floors().at("box/cpu").floor, 0);
}

TEST_F(NoiseFloorTest, TakesTheNewestRuns) {
  auto link = Attach("box");
  Calibrate(*link, {50, 100, 200});
  Calibrate(*link, std::vector<double>(kMostCalibrationRuns, 100));
  EXPECT_EQ(Floors().at("box/cpu").floor, 0);
}

}  // namespace
}  // namespace laptime
