#include "server/report_stream.h"

#include <algorithm>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "proto/support/channel.h"
#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::FakeLink;
using testing::IsOk;
using ::testing::Not;
using ::testing::SizeIs;

// An agent with a run whose trainer has started.
class ReportStreamTest : public testing::CoordinatorFixture {
 protected:
  ReportStreamTest() : link_(Attach("box")) {
    SubmitTo("box/cpu");
    attempt_ = link_->starts()[0].attempt();
    EXPECT_OK(Started("box", attempt_));
  }

  v1::Report Lap(int number) {
    v1::Report report = NewReport(attempt_);
    report.mutable_epoch_finished()->set_number(number);
    report.mutable_epoch_finished()->set_wall_seconds(number);
    return report;
  }
  std::vector<v1::Report> Laps(int count) {
    std::vector<v1::Report> laps;
    for (int number = 1; number <= count; ++number) laps.push_back(Lap(number));
    return laps;
  }

  // Gives the coordinator all of them while its writer is busy; what became of each, in the order
  // in which that was told.
  std::vector<absl::Status> TakeTogether(const std::vector<v1::Report>& reports) {
    std::promise<void> gate;
    pieces_before_ = store_->pieces() + 1;
    store_->WriteAsync(
        [opened = gate.get_future().share()](storage::Transaction&) {
          opened.wait();
          return absl::OkStatus();
        },
        [](const absl::Status&) {});
    told_.clear();
    std::vector<absl::Status> statuses;
    for (const v1::Report& report : reports) {
      coordinator_->Take(stream_, report, [&, seq = report.seq()](const absl::Status& status) {
        told_.push_back(seq);
        statuses.push_back(status);
      });
    }
    gate.set_value();
    Settle();
    return statuses;
  }
  // Of the last TakeTogether.
  int Pieces() const { return store_->pieces() - pieces_before_; }

  std::vector<int> StoredLaps() {
    std::vector<int> numbers;
    for (const v1::Epoch& epoch : EpochsOf(attempt_)) numbers.push_back(epoch.number());
    return numbers;
  }

  // What the coordinator says, at the next Hello, that it has.
  uint64_t Mark() {
    const auto again = std::make_shared<FakeLink>();
    v1::Hello hello = HelloOf("box");
    AddHeld(hello, attempt_, /*alive=*/true);
    EXPECT_OK(AttachWith(again, hello));
    return again->sent()[0].welcome().acked_seq();
  }

  std::shared_ptr<FakeLink> link_;
  v1::AttemptRef attempt_;
  std::shared_ptr<ReportStream> stream_ = NewStream("box");
  std::vector<uint64_t> told_;
  int pieces_before_ = 0;
};

TEST_F(ReportStreamTest, WhatHasComeIsStoredTogether) {
  const int many = 2 * static_cast<int>(kMaxReportsTogether) + 1;
  const std::vector<v1::Report> laps = Laps(many);
  const std::vector<absl::Status> statuses = TakeTogether(laps);
  EXPECT_THAT(statuses, SizeIs(many));
  EXPECT_THAT(statuses, Each(IsOk()));
  EXPECT_THAT(StoredLaps(), SizeIs(many));
  EXPECT_EQ(Pieces(), 3);
  EXPECT_EQ(Mark(), laps.back().seq());
}

TEST_F(ReportStreamTest, OneThatIsImpossibleDoesNotSpoilTheOthers) {
  std::vector<v1::Report> reports = Laps(2);
  v1::Report foreign = NewReport(attempt_);
  foreign.mutable_attempt()->set_fencing_token(attempt_.fencing_token() + 1);
  foreign.mutable_epoch_finished()->set_number(9);
  reports.push_back(foreign);
  reports.push_back(Lap(3));
  EXPECT_THAT(TakeTogether(reports), Each(IsOk()));
  EXPECT_TRUE(std::ranges::is_sorted(told_));
  EXPECT_THAT(told_, SizeIs(4));
  EXPECT_THAT(StoredLaps(), ElementsAre(1, 2, 3));
  EXPECT_EQ(Mark(), reports.back().seq());
}

TEST_F(ReportStreamTest, AnImpossibleLastOneIsPassedBy) {
  v1::Report unknown = NewReport(attempt_);
  unknown.mutable_attempt()->set_run_id("nobody's");
  unknown.mutable_log_chunk()->set_text("words");
  EXPECT_THAT(TakeTogether({unknown}), ElementsAre(IsOk()));
  EXPECT_EQ(Mark(), unknown.seq());
}

TEST_F(ReportStreamTest, WhatCannotBeStoredTogetherIsTriedOneByOne) {
  store_->FailAfter(1, 1);  // after the one that keeps the writer busy
  EXPECT_THAT(TakeTogether(Laps(3)), Each(IsOk()));
  EXPECT_THAT(StoredLaps(), ElementsAre(1, 2, 3));
  EXPECT_EQ(Pieces(), 4);
}

TEST_F(ReportStreamTest, NothingIsStoredAfterOneThatCouldNotBe) {
  const std::vector<v1::Report> laps = Laps(3);
  store_->FailAfter(1, 2);  // together, then the first alone
  const std::vector<absl::Status> statuses = TakeTogether(laps);
  EXPECT_THAT(statuses, SizeIs(3));
  EXPECT_THAT(statuses, Each(Not(IsOk())));
  EXPECT_FALSE(Take("box", Lap(4), stream_).ok());
  EXPECT_THAT(StoredLaps(), ElementsAre());
  EXPECT_EQ(Mark(), laps[0].seq() - 1);
  stream_ = NewStream("box");
  EXPECT_THAT(TakeTogether(laps), Each(IsOk()));
  EXPECT_THAT(StoredLaps(), ElementsAre(1, 2, 3));
}

TEST_F(ReportStreamTest, WhatWasSeenBeforeChangesNothing) {
  std::vector<v1::Report> reports = Laps(2);
  reports.push_back(reports[0]);
  v1::Report other = reports[1];  // under a number that is taken
  other.mutable_epoch_finished()->set_number(7);
  reports.push_back(other);
  EXPECT_THAT(TakeTogether(reports), Each(IsOk()));
  EXPECT_THAT(StoredLaps(), ElementsAre(1, 2));
  EXPECT_THAT(TakeTogether(reports), Each(IsOk()));
  EXPECT_THAT(StoredLaps(), ElementsAre(1, 2));
}

TEST_F(ReportStreamTest, ANumberThatNoSpoolGivesIsPassedBy) {
  std::vector<v1::Report> reports = Laps(1);
  v1::Report beyond = Lap(2);
  beyond.set_seq(kMaxReportSeq + 1);
  reports.push_back(beyond);
  reports.push_back(Lap(3));
  EXPECT_THAT(TakeTogether(reports), Each(IsOk()));
  EXPECT_THAT(StoredLaps(), ElementsAre(1, 3));
  EXPECT_EQ(Mark(), reports.back().seq());
}

// What a failed piece of work wanted to send is not sent.
TEST_F(ReportStreamTest, WhatIsTriedAgainStartsTheNextRunOnce) {
  SubmitTo("box/cpu", 2);
  std::vector<v1::Report> reports = Laps(RunOf(attempt_.run_id()).epochs());
  reports.push_back(NewReport(attempt_));
  reports.back().mutable_finished()->mutable_trainer()->set_epochs(1);
  reports.push_back(NewReport(attempt_));
  reports.back().mutable_attempt()->set_run_id("nobody's");
  EXPECT_THAT(TakeTogether(reports), Each(IsOk()));
  EXPECT_EQ(RunOf(attempt_.run_id()).state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_THAT(link_->starts(), SizeIs(2));
}

TEST_F(ReportStreamTest, AWholeRunAtOnceIsWhatItIsPieceByPiece) {
  SubmitTo("box/cpu");
  for (int run = 0; run < 2; ++run) {
    attempt_ = link_->starts()[run].attempt();
    std::vector<v1::Report> reports(1, NewReport(attempt_));
    reports[0].mutable_started()->set_started_unix_ms(1000);
    for (const v1::Report& lap : Laps(RunOf(attempt_.run_id()).epochs())) reports.push_back(lap);
    reports.push_back(NewReport(attempt_));
    reports.back().mutable_finished()->mutable_trainer()->set_epochs(1);
    EXPECT_THAT(TakeTogether(reports), Each(IsOk()));
    EXPECT_EQ(RunOf(attempt_.run_id()).state(), v1::RUN_STATE_SUCCEEDED);
    EXPECT_EQ(Pieces(), 2);  // with the look for the next run
  }
}

// An agent was held while another life of it, with a state of its own, went on.
TEST_F(ReportStreamTest, LateReportsAreOfTheirOwnAttempt) {
  const std::shared_ptr<FakeLink> other = Attach("box");
  ASSERT_THAT(other->starts(), SizeIs(1));
  const v1::AttemptRef second = other->starts()[0].attempt();
  EXPECT_EQ(second.run_id(), attempt_.run_id());
  EXPECT_EQ(second.number(), 2);
  ASSERT_OK(Started("box", second));
  ASSERT_OK(EpochDone("box", second, 1, /*seconds=*/20));

  const auto late = std::make_shared<ReportStream>("id-box", "spool of the one that was held");
  EXPECT_OK(Take("box", Lap(1), late));
  v1::Report end = NewReport(attempt_);
  end.mutable_finished();
  EXPECT_OK(Take("box", end, late));
  // Under the other's number it is nobody's: the token tells.
  v1::Report confused = Lap(2);
  confused.mutable_attempt()->set_number(2);
  EXPECT_OK(Take("box", confused, late));

  ASSERT_THAT(EpochsOf(attempt_), SizeIs(1));
  EXPECT_EQ(EpochsOf(attempt_)[0].wall_seconds(), 1);
  ASSERT_THAT(EpochsOf(second), SizeIs(1));
  EXPECT_EQ(EpochsOf(second)[0].wall_seconds(), 20);
  EXPECT_EQ(RunOf(second.run_id()).state(), v1::RUN_STATE_RUNNING);
  EXPECT_EQ(RunOf(second.run_id()).attempt(), 2);
}

}  // namespace
}  // namespace laptime
