// What the coordinator adds to what an agent reports of a run: software, MFU, whether it counts.
#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>

#include "server/software_segment.h"
#include "tests/unit/server/coordinator_fixture.h"
#include "tests/unit/storage/fixture.h"

namespace laptime {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class RunJudgementTest : public testing::CoordinatorFixture {
 protected:
  absl::Status Lap(const v1::AttemptRef& attempt, int number, double foreign_cpu) {
    v1::Report report = NewReport(attempt);
    v1::Epoch& lap = *report.mutable_epoch_finished();
    lap.set_number(number);
    lap.set_wall_seconds(10);
    lap.set_flops_per_second(2e12);
    lap.mutable_conditions()->set_foreign_cpu_fraction(foreign_cpu);
    return Take("box", report);
  }
  // The peak of every device of the host that is named so.
  void Probe(const std::string& device, double flops_per_second) {
    v1::DeviceProbe probe;
    probe.set_device(device);
    probe.set_snapshot_json("{}");
    probe.set_probed_unix_ms(1);
    v1::PeakRate& rate = *probe.mutable_result()->add_rates();
    rate.set_operation("matmul");
    rate.set_type("float32");
    rate.set_unit("FLOP/s");
    rate.set_per_second(flops_per_second);
    coordinator_->Probed("id-box", probe);
    Settle();
  }
};

TEST_F(RunJudgementTest, ARunIsJudgedWhenItHasSucceeded) {
  auto link = Attach("box");
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts().back().attempt();
  ASSERT_OK(Started("box", attempt));
  ASSERT_OK(Lap(attempt, 1, 0.01));
  ASSERT_OK(Lap(attempt, 2, 0.5));
  EXPECT_EQ(RunOf(attempt.run_id()).validity(), v1::VALIDITY_NOT_EVALUATED);
  ASSERT_OK(Finished("box", attempt));
  const v1::Run run = RunOf(attempt.run_id());
  EXPECT_EQ(run.validity(), v1::VALIDITY_CONTAMINATED);
  EXPECT_THAT(run.validity_reasons(),
              ElementsAre(HasSubstr("foreign CPU load: 50 %"), HasSubstr("learning not checked")));
  EXPECT_EQ(run.learning_gate(), "not evaluated");
}

TEST_F(RunJudgementTest, ARunHasTheSegmentOfItsSoftware) {
  auto link = Attach("box");
  SubmitTo("box/cpu", 2);
  for (const char* kernel : {"6.1", "6.2"}) {
    const v1::AttemptRef attempt = link->starts().back().attempt();
    v1::Report report = NewReport(attempt);
    report.mutable_started()->set_snapshot_json(R"({"host":{"kernel":")" + std::string(kernel) +
                                                R"("}})");
    report.mutable_started()->set_started_unix_ms(1000);
    ASSERT_OK(Take("box", report));
    EXPECT_EQ(RunOf(attempt.run_id()).segment().size(), 12);
    ASSERT_OK(Lap(attempt, 1, 0));
    ASSERT_OK(Lap(attempt, 2, 0));
    ASSERT_OK(Finished("box", attempt));
  }
  EXPECT_NE(RunOf(link->starts().front().attempt().run_id()).segment(),
            RunOf(link->starts().back().attempt().run_id()).segment());
}

TEST_F(RunJudgementTest, RunsOfAnEarlierVersionGetTheirSegmentsToo) {
  auto link = Attach("box");
  SubmitTo("box/cpu", 3);
  std::vector<std::string> runs;
  for (const char* snapshot :
       {R"({"host":{"kernel":"6.1"}})", R"({"host":{"kernel":"6.2"}})", "{}"}) {
    const v1::AttemptRef attempt = link->starts().back().attempt();
    v1::Report report = NewReport(attempt);
    report.mutable_started()->set_snapshot_json(snapshot);
    ASSERT_OK(Take("box", report));
    ASSERT_OK(Failed("box", attempt, v1::FAILURE_CAUSE_WORKLOAD));
    runs.push_back(attempt.run_id());
  }
  const auto segments = [&] {
    return std::vector{RunOf(runs[0]).segment(), RunOf(runs[1]).segment(),
                       RunOf(runs[2]).segment()};
  };
  const std::vector<std::string> named = segments();
  SQLite::Database(dir_.File("laptime.db"), SQLite::OPEN_READWRITE)
      .exec("UPDATE run SET segment = NULL; DELETE FROM segment");
  ASSERT_THAT(segments(), Each(""));
  ASSERT_OK(FillSegments(*store_));
  EXPECT_EQ(segments(), named);
  EXPECT_THAT(named, ElementsAre(Not(""), Not(named[0]), ""));
}

TEST_F(RunJudgementTest, MfuIsOfThePeakThatWasProbed) {
  auto link = Attach("box");
  Probe("cpu", 8e12);
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts().back().attempt();
  ASSERT_OK(Started("box", attempt));
  ASSERT_OK(Lap(attempt, 1, 0));
  EXPECT_EQ(EpochsOf(attempt)[0].mfu_fraction(), 0.25);
  EXPECT_EQ(RunOf(attempt.run_id()).mfu_fraction(), 0.25);
}

TEST_F(RunJudgementTest, WithoutAProbeThereIsNoMfu) {
  auto link = Attach("box");
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts().back().attempt();
  ASSERT_OK(Started("box", attempt));
  ASSERT_OK(Lap(attempt, 1, 0));
  EXPECT_FALSE(EpochsOf(attempt)[0].has_mfu_fraction());
}

TEST_F(RunJudgementTest, SeveralDevicesHaveTheirPeaksTogether) {
  auto link = Attach("box", {"cuda:0", "cuda:1"});
  Probe("cuda:0", 8e12);
  Submit(Pairs("box/cuda:0"));
  const v1::AttemptRef attempt = link->starts().back().attempt();
  ASSERT_OK(Started("box", attempt));
  ASSERT_OK(Lap(attempt, 1, 0));
  EXPECT_EQ(EpochsOf(attempt)[0].mfu_fraction(), 0.125);
}

class LapReadsTest : public storage::DatabaseTest {};

TEST_F(LapReadsTest, ALapReadsThePeakAndTheSameLapAgainChangesNothing) {
  storage::Seeder::AddAttempt(tx_);
  ASSERT_OK_AND_ASSIGN(const storage::AttemptRow attempt, tx_.FindAttempt("r1", 1));
  v1::Report report;
  report.mutable_epoch_finished()->set_number(1);
  report.mutable_epoch_finished()->set_flops_per_second(2e12);
  Outbox outbox;
  RunLifecycle lifecycle(tx_, outbox, /*max_retries=*/2, /*now_unix_ms=*/1);
  const auto apply = [&] { return lifecycle.Apply(attempt, report); };
  const std::vector<std::string> first = StatementsOf(apply);
  EXPECT_THAT(first, Contains(HasSubstr("FROM peak_rate")));
  EXPECT_THAT(first, Each(Not(HasSubstr("FROM capability"))));
  EXPECT_THAT(first, Contains(HasSubstr("UPDATE run")));
  EXPECT_THAT(StatementsOf(apply),
              Each(Not(AnyOf(HasSubstr("UPDATE run"), HasSubstr("INSERT INTO event")))));
  EXPECT_EQ(outbox.events.size(), 1u);
}

}  // namespace
}  // namespace laptime
