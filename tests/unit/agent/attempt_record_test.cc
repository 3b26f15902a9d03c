#include "agent/attempt_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using std::chrono::seconds;
using testing::FakeClock;
using ::testing::HasSubstr;
using testing::StatusIs;

// A device that is always as busy as the test says.
class SteadyTelemetry : public Telemetry {
 public:
  explicit SteadyTelemetry(const double& percent) : percent_(percent) {}
  const std::vector<v1::Sensor>& sensors() const override { return sensors_; }
  std::vector<std::optional<double>> Read() override { return {percent_}; }
  // A tenth of what is busy is not ours; a hundred joules for each look.
  void Observe(Moment& moment) override {
    looks_ += 1;
    moment.cpus = 1;
    moment.busy_seconds = looks_;
    moment.own_seconds = 0.9 * looks_;
    moment.joules = 100 * looks_;
    moment.energy_source = "rapl";
  }

 private:
  double looks_ = 0;
  const double& percent_;
  const std::vector<v1::Sensor> sensors_ = {
      NewSensor(kDeviceUtilization, "percent", "procfs", "made up")};
};

v1::StartRun TwoEpochs() {
  v1::StartRun start;
  start.mutable_attempt()->set_run_id("run");
  start.mutable_attempt()->set_number(3);
  start.set_config_json(R"({"epochs":2})");
  return start;
}

class AttemptRecordTest : public ::testing::Test {
 protected:
  AttemptRecordTest()
      : sampler_(clock_, Sources(), seconds(1)),
        record_(clock_, outbox_, sampler_, TwoEpochs(), {}) {}

  std::vector<std::unique_ptr<Telemetry>> Sources() {
    std::vector<std::unique_ptr<Telemetry>> sources;
    sources.push_back(std::make_unique<SteadyTelemetry>(percent_));
    return sources;
  }
  absl::Status Started(int resumed_epochs = 0) {
    v1::TrainerEvent event;
    event.mutable_started()->set_device("cpu");
    event.mutable_started()->set_resumed_epochs(resumed_epochs);
    return record_.Take(event);
  }
  absl::Status Epoch(int number, double wall_seconds = 0) {
    v1::TrainerEvent event;
    event.mutable_epoch_finished()->set_number(number);
    if (wall_seconds > 0) event.mutable_epoch_finished()->set_wall_seconds(wall_seconds);
    return record_.Take(event);
  }
  absl::Status Finished() {
    v1::TrainerEvent event;
    event.mutable_finished()->set_epochs(2);
    return record_.Take(event);
  }
  void RunFor(int count, double percent) {
    percent_ = percent;
    for (int i = 0; i < count; ++i) {
      clock_.Advance(seconds(1));
      sampler_.Sample();
    }
  }
  v1::Report LastReport() { return spool_->ReadFrom(0, 1000)->back(); }

  testing::TempDir dir_;
  FakeClock clock_;
  double percent_ = 0;
  std::unique_ptr<Spool> spool_ = *Spool::Open(dir_.File("spool.db"), {});
  Outbox outbox_{*spool_};
  Sampler sampler_;
  AttemptRecord record_;
};

TEST_F(AttemptRecordTest, AResumedTrainerGoesOnWithTheNextEpoch) {
  ASSERT_OK(Started(/*resumed_epochs=*/1));
  EXPECT_FALSE(Epoch(1).ok());
  ASSERT_OK(Epoch(2));
  EXPECT_OK(Finished());
}

TEST_F(AttemptRecordTest, ReportsTheStartWithItsSnapshotAndWallClock) {
  ASSERT_OK(Started());
  const v1::Report report = LastReport();
  EXPECT_EQ(report.attempt().run_id(), "run");
  EXPECT_EQ(report.attempt().number(), 3);
  EXPECT_EQ(report.started().trainer().device(), "cpu");
  EXPECT_EQ(report.started().started_unix_ms(), UnixMs(clock_.WallNow()));
  EXPECT_THAT(report.started().snapshot_json(), HasSubstr("\"host\":"));
}

TEST_F(AttemptRecordTest, FillsInTheUtilizationOfTheLapAlone) {
  ASSERT_OK(Started());
  RunFor(10, 20);  // set-up
  RunFor(4, 100);  // the lap
  ASSERT_OK(Epoch(1, /*wall_seconds=*/4));
  EXPECT_EQ(LastReport().epoch_finished().utilization().samples(), 4);
  EXPECT_EQ(LastReport().epoch_finished().utilization().mean_percent(), 100);
  RunFor(2, 50);
  ASSERT_OK(Epoch(2, /*wall_seconds=*/2));
  EXPECT_EQ(LastReport().epoch_finished().utilization().samples(), 2);
  EXPECT_EQ(LastReport().epoch_finished().utilization().mean_percent(), 50);
}

TEST_F(AttemptRecordTest, LeavesUtilizationOutOfALapWithoutSamples) {
  ASSERT_OK(Started());
  clock_.Advance(seconds(1));
  ASSERT_OK(Epoch(1, 0.5));
  EXPECT_FALSE(LastReport().epoch_finished().has_utilization());
}

TEST_F(AttemptRecordTest, AddsWhatElseWentOnAndWhatTheLapUsed) {
  ASSERT_OK(Started());
  RunFor(3, 20);
  v1::TrainerEvent warm;
  warm.mutable_warmed_up()->set_warm_up_seconds(3);
  ASSERT_OK(record_.Take(warm));
  RunFor(4, 100);
  v1::TrainerEvent event;
  v1::Epoch& lap = *event.mutable_epoch_finished();
  lap.set_number(1);
  lap.set_wall_seconds(4);
  lap.set_images_per_second(500);
  lap.set_train_seconds(3);
  // What a trainer says of these itself does not count.
  lap.mutable_energy()->set_joules(1);
  lap.mutable_energy()->set_mean_watts(1);
  lap.mutable_conditions()->set_on_battery(true);
  ASSERT_OK(record_.Take(event));
  const v1::Epoch reported = LastReport().epoch_finished();
  // Four samples and the look at the lap's end.
  EXPECT_NEAR(reported.conditions().foreign_cpu_fraction(), 0.5 / 4, 1e-9);
  EXPECT_FALSE(reported.conditions().has_on_battery());
  EXPECT_DOUBLE_EQ(reported.energy().joules(), 500);
  EXPECT_DOUBLE_EQ(reported.energy().mean_watts(), 125);
  EXPECT_EQ(reported.energy().tier(), "device-counter");
  EXPECT_DOUBLE_EQ(reported.energy().images_per_joule(), 3);
}

TEST_F(AttemptRecordTest, TakesTheEnergyOfOneGpuForNoOtherRun) {
  SnapshotFacts facts;
  facts.device.gpu = GpuInfo{0, "GPU", "GPU-aaaa", std::nullopt};
  v1::StartRun start = TwoEpochs();
  const auto has_energy = [&](const std::string& config) {
    start.set_config_json(config);
    AttemptRecord record(clock_, outbox_, sampler_, start, facts);
    v1::TrainerEvent event;
    event.mutable_started()->set_device("cuda:0");
    EXPECT_OK(record.Take(event));
    RunFor(2, 100);
    event.mutable_epoch_finished()->set_number(1);
    EXPECT_OK(record.Take(event));
    return LastReport().epoch_finished().has_energy();
  };
  EXPECT_TRUE(has_energy(R"({"epochs":2})"));
  EXPECT_TRUE(has_energy(R"({"devices_per_run":1})"));
  EXPECT_FALSE(has_energy(R"({"devices_per_run":2})"));
  facts.device.gpu.reset();
  EXPECT_TRUE(has_energy(R"({"devices_per_run":2})")) << "the CPU's counter is of all of it";
}

TEST_F(AttemptRecordTest, ReportsWhatTheTrainerSaidOfItsEnd) {
  ASSERT_OK(Started());
  v1::TrainerEvent warm;
  warm.mutable_warmed_up()->set_warm_up_seconds(3);
  ASSERT_OK(record_.Take(warm));
  ASSERT_OK(Epoch(1));
  ASSERT_OK(Epoch(2));
  EXPECT_FALSE(record_.finished());
  ASSERT_OK(Finished());
  ASSERT_TRUE(record_.finished());
  const v1::Report report = record_.FinishedReport();
  EXPECT_EQ(report.finished().trainer().epochs(), 2);
  EXPECT_EQ(report.finished().warm_up().warm_up_seconds(), 3);
  EXPECT_EQ(report.finished().ended_unix_ms(), UnixMs(clock_.WallNow()));
}

TEST_F(AttemptRecordTest, GivesAFailureWithoutCauseToTheInfrastructure) {
  v1::TrainerEvent event;
  event.mutable_failed();
  ASSERT_OK(record_.Take(event));
  EXPECT_EQ(record_.failed()->cause(), v1::FAILURE_CAUSE_INFRASTRUCTURE);
  EXPECT_FALSE(record_.failed()->message().empty());
}

TEST_F(AttemptRecordTest, KeepsTheNewestProgressWithTheUtilization) {
  ASSERT_OK(Started());
  RunFor(1, 97);
  v1::TrainerEvent event;
  event.mutable_step_progress()->set_step(7);
  ASSERT_OK(record_.Take(event));
  const auto progress = record_.TakeProgress();
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->step().step(), 7);
  EXPECT_EQ(progress->utilization_percent(), 97);
  EXPECT_FALSE(record_.TakeProgress());
}

TEST_F(AttemptRecordTest, HoldsTheTrainerToItsOrder) {
  const auto refused = [](const std::string& what) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(what));
  };
  EXPECT_THAT(Epoch(1), refused("the first was not 'started'"));
  ASSERT_OK(Started());
  EXPECT_THAT(Started(), refused("'started' came twice"));
  EXPECT_THAT(Epoch(2), refused("epoch 2 came after epoch 0"));
  ASSERT_OK(Epoch(1));
  EXPECT_THAT(Epoch(1), refused("epoch 1 came after epoch 1"));
  EXPECT_THAT(Finished(), refused("after 1 of 2 epochs"));
  ASSERT_OK(Epoch(2));
  EXPECT_THAT(Epoch(3), refused("epoch 3 of 2"));
  ASSERT_OK(Finished());
  EXPECT_THAT(Epoch(3), refused("went on after its end"));
}

}  // namespace
}  // namespace laptime::agent
