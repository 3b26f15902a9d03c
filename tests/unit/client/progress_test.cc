#include "client/progress.h"

#include <gmock/gmock.h>

#include <sstream>

#include "client/progress_display.h"
#include "client/text.h"
#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

RunProgressState Training() {
  RunProgressState run;
  run.label = "studio/mps";
  run.kind = v1::DEVICE_KIND_MPS;
  run.state = v1::RUN_STATE_RUNNING;
  run.attempt = 1;
  run.epochs = 2;
  run.step = FromText<v1::StepProgress>(
      R"(epoch: 1 step: 238 steps: 390 step_seconds: 1.02 phase: "train")");
  run.utilization_percent = 97.2;
  return run;
}

TEST(ProgressLineTest, ShowsEpochBarSpeedUtilizationAndTimeLeft) {
  EXPECT_EQ(ProgressLine(Training(), 120),
            "studio/mps  epoch 1/2 [======>   ] 61 %  1.02 s/step  gpu 97 %  eta > 9m13");
  RunProgressState run = Training();
  run.step.set_epoch(2);
  run.last_lap = FromText<v1::Epoch>("wall_seconds: 500 evaluation_seconds: 100");
  EXPECT_EQ(ProgressLine(run, 120),
            "studio/mps  epoch 2/2 [======>   ] 61 %  1.02 s/step  gpu 97 %  eta 4m15");
}

TEST(ProgressLineTest, IsCutToTheTerminal) {
  for (int columns : {1, 5, 10, 20, 40, 60, 72, 73, 80}) {
    const std::string line = ProgressLine(Training(), columns);
    EXPECT_LE(DisplayWidth(line), columns);
    if (columns < 72) {
      EXPECT_EQ(DisplayWidth(line), columns);
    }
  }
  EXPECT_EQ(ProgressLine(Training(), 22), "studio/mps  epoch 1/2…");
}

TEST(ProgressLineTest, NamesTheProcessorOfACpu) {
  RunProgressState run = Training();
  run.kind = v1::DEVICE_KIND_CPU;
  EXPECT_THAT(ProgressLine(run, 120), HasSubstr("  cpu 97 %"));
}

TEST(ProgressLineTest, EvaluationHasItsOwnWords) {
  RunProgressState run = Training();
  run.step = FromText<v1::StepProgress>(R"(epoch: 1 step: 30000 steps: 60000 phase: "bank")");
  EXPECT_EQ(ProgressLine(run, 120),
            "studio/mps  epoch 1/2 [=====>    ] 50 %  evaluating  gpu 97 %");
}

TEST(ProgressLineTest, BarIsFullAtTheEnd) {
  RunProgressState run = Training();
  run.step.set_step(390);
  EXPECT_THAT(ProgressLine(run, 120), HasSubstr("[==========] 100 %"));
  run.step.set_step(500);
  EXPECT_THAT(ProgressLine(run, 120), HasSubstr("[==========] 100 %"));
  run.step.set_steps(0);
  EXPECT_THAT(ProgressLine(run, 120), HasSubstr("[>         ] 0 %"));
}

TEST(ProgressLineTest, StatesWithoutSteps) {
  RunProgressState run = Training();
  run.step.Clear();
  EXPECT_EQ(ProgressLine(run, 80), "studio/mps  starting");
  run.state = v1::RUN_STATE_QUEUED;
  run.attempt = 0;
  EXPECT_EQ(ProgressLine(run, 80), "studio/mps  queued");
  run.state = v1::RUN_STATE_FAILED;
  run.failure.set_message("data_batch_1.bin is missing");
  EXPECT_EQ(ProgressLine(run, 80), "studio/mps  failed: data_batch_1.bin is missing");
}

TEST(ProgressLineTest, NeutralisesRemoteText) {
  RunProgressState run = Training();
  run.label = "ev\033il\n/cpu";
  EXPECT_THAT(ProgressLine(run, 120), HasSubstr("ev?il?/cpu"));
}

TEST(RemainingSecondsTest, CountsTheLapsToCome) {
  RunProgressState run = Training();
  EXPECT_EQ(RemainingSeconds(run), std::nullopt);  // the evaluation's time is not known
  run.last_lap = FromText<v1::Epoch>(
      "number: 1 wall_seconds: 500 evaluation_seconds: 100 evaluated_images: 60000");
  EXPECT_THAT(RemainingSeconds(run),
              Optional(::testing::DoubleNear((390 - 238) * 1.02 + 100 + 500, 1e-9)));
  run.step.set_epoch(2);
  EXPECT_THAT(RemainingSeconds(run),
              Optional(::testing::DoubleNear((390 - 238) * 1.02 + 100, 1e-9)));
}

TEST(RemainingSecondsTest, IsUnknownBeforeTheFirstStep) {
  RunProgressState run = Training();
  run.step.clear_step_seconds();
  EXPECT_EQ(RemainingSeconds(run), std::nullopt);
}

class ProgressBoardTest : public ::testing::Test {
 protected:
  static v1::GetJobResponse Job() {
    return FromText<v1::GetJobResponse>(
        R"(job { id: "j" repeats: 1 }
           runs { id: "r1" device: "a/cpu" kind: DEVICE_KIND_CPU state: RUN_STATE_QUEUED epochs: 2 repetition: 1 }
           runs { id: "r2" device: "b/mps" kind: DEVICE_KIND_MPS state: RUN_STATE_QUEUED epochs: 2 repetition: 1 })");
  }
  std::optional<std::string> Apply(const std::string& event) {
    return board_.Apply(FromText<v1::JobEvent>(event));
  }

  ProgressBoard board_{Job()};
};

TEST_F(ProgressBoardTest, PlainLinesAreChangesAndLaps) {
  EXPECT_EQ(Apply(R"(run_id: "r1" run_changed { state: RUN_STATE_ASSIGNED attempt: 1 })"),
            "a/cpu: starting");
  EXPECT_EQ(Apply(R"(run_id: "r1" run_changed { state: RUN_STATE_RUNNING attempt: 1 })"),
            "a/cpu: running");
  EXPECT_EQ(Apply(R"(run_id: "r1" progress { step { epoch: 1 step: 1 steps: 2 } })"), std::nullopt);
  EXPECT_EQ(
      Apply(
          R"(run_id: "r1" epoch_finished { number: 1 wall_seconds: 12.3 mean_loss: 5.4 knn_accuracy: 0.31 })"),
      "a/cpu: epoch 1/2 in 12.3 s, loss 5.40, kNN 0.310");
  EXPECT_EQ(Apply(R"(run_id: "r1" run_changed { state: RUN_STATE_SUCCEEDED attempt: 1 })"),
            "a/cpu: succeeded");
  EXPECT_EQ(board_.StateOf("r1"), v1::RUN_STATE_SUCCEEDED);
}

TEST_F(ProgressBoardTest, TellsWhyAnAttemptIsRepeated) {
  EXPECT_EQ(
      Apply(
          R"(run_id: "r1" run_changed { state: RUN_STATE_QUEUED attempt: 1 failure { message: "signal 9" } })"),
      "a/cpu: attempt 1 failed: signal 9; queued again");
  EXPECT_EQ(Apply(R"(run_id: "r1" run_changed { state: RUN_STATE_RUNNING attempt: 2 })"),
            "a/cpu: running, attempt 2");
}

TEST_F(ProgressBoardTest, IgnoresRunsThatAreNotShown) {
  EXPECT_EQ(Apply(R"(run_id: "zz" run_changed { state: RUN_STATE_RUNNING })"), std::nullopt);
  ProgressBoard one(Job(), "r2");
  EXPECT_THAT(one.Lines(80, 10), ElementsAre("b/mps  queued"));
  EXPECT_EQ(one.StateOf("r1"), v1::RUN_STATE_UNSPECIFIED);
}

TEST_F(ProgressBoardTest, ShowsRunsThatAreAdded) {
  EXPECT_EQ(
      Apply(
          R"(run_id: "r3" device: "a/cpu" run_changed { state: RUN_STATE_QUEUED attempt: 0 epochs: 2 })"),
      "a/cpu #2: one more, queued");
  EXPECT_EQ(board_.StateOf("r3"), v1::RUN_STATE_QUEUED);
  EXPECT_EQ(Apply(R"(run_id: "r3" run_changed { state: RUN_STATE_RUNNING attempt: 1 })"),
            "a/cpu #2: running");
  EXPECT_THAT(board_.Lines(80, 10),
              ElementsAre("a/cpu #2  starting", "a/cpu  queued", "b/mps  queued"));
  // Not where one run alone is followed.
  ProgressBoard one(Job(), "r2");
  EXPECT_EQ(one.Apply(FromText<v1::JobEvent>(
                R"(run_id: "r3" device: "b/mps" run_changed { state: RUN_STATE_QUEUED })")),
            std::nullopt);
  EXPECT_EQ(one.Lines(80, 10).size(), 1u);
}

TEST_F(ProgressBoardTest, RunningOnesComeFirst) {
  Apply(R"(run_id: "r2" run_changed { state: RUN_STATE_RUNNING attempt: 1 })");
  EXPECT_THAT(board_.Lines(80, 10), ElementsAre("b/mps  starting", "a/cpu  queued"));
}

TEST_F(ProgressBoardTest, LeavesOutWhatDoesNotFit) {
  EXPECT_THAT(board_.Lines(80, 2), ElementsAre("a/cpu  queued", "b/mps  queued"));
  v1::GetJobResponse job = Job();
  for (int i = 0; i < 5; ++i) {
    *job.add_runs() = job.runs(0);
    job.mutable_runs(2 + i)->set_id("more" + std::to_string(i));
  }
  EXPECT_THAT(ProgressBoard(job).Lines(80, 3),
              ElementsAre("a/cpu  queued", "b/mps  queued", "… and 5 more"));
}

TEST_F(ProgressBoardTest, RepetitionsAreNumbered) {
  v1::GetJobResponse job = Job();
  job.mutable_job()->set_repeats(2);
  EXPECT_THAT(ProgressBoard(job).Lines(80, 10),
              ElementsAre("a/cpu #1  queued", "b/mps #1  queued"));
}

TEST_F(ProgressBoardTest, PlainDisplayPrintsNoAnimation) {
  std::ostringstream out;
  PlainDisplay display(out);
  display.Update(board_, std::nullopt);
  display.Update(board_, "a/cpu: run\033ning");
  display.Remark("the coordinator went away");
  EXPECT_EQ(out.str(), "a/cpu: run?ning\nthe coordinator went away\n");
}

TEST_F(ProgressBoardTest, TerminalDisplayRedrawsInPlace) {
  std::ostringstream out;
  TerminalDisplay display(out);
  display.Update(board_, std::nullopt);
  EXPECT_EQ(out.str(), "a/cpu  queued\033[K\nb/mps  queued\033[K\n");
  out.str("");
  display.Update(board_, std::nullopt);
  EXPECT_EQ(out.str(), "\033[2A\ra/cpu  queued\033[K\nb/mps  queued\033[K\n");
}

}  // namespace
}  // namespace laptime::client
