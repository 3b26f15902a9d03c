#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/trainer/checkpoint.h"
#include "agent/trainer/config.h"
#include "agent/trainer/cuda/graphed_step.h"
#include "agent/trainer/device.h"
#include "agent/trainer/evaluation.h"
#include "agent/trainer/event_writer.h"
#include "agent/trainer/events.h"
#include "agent/trainer/lap_clock.h"
#include "agent/trainer/lap_estimate.h"
#include "agent/trainer/model.h"
#include "agent/trainer/progress_reporter.h"
#include "agent/trainer/ranks/rank_group.h"
#include "agent/trainer/step_log.h"
#include "agent/trainer/stop_signal.h"
#include "agent/trainer/train_batch.h"
#include "agent/trainer/train_step.h"
#include "agent/trainer/work_flops.h"

namespace laptime::trainer {

// What the warm-up found out, outside every lap.
struct WarmUpResult {
  double time_to_first_batch = 0;  // seconds since the process's start
  double seconds = 0;
};

// The laps: trains the epochs, evaluates after each, measures. Everything it is given must outlive
// it. One thread.
//
// Throws TrainerError (workload) when a loss is not finite, Stopped when a signal asks for it, and
// what LibTorch throws.
class TrainLoop {
 public:
  // `evaluation` may be nullptr: laps without one; so may `ranks`: all is trained here. Of several
  // ranks each runs this loop, and the first one tells and keeps checkpoints.
  TrainLoop(const Workload& workload, Feed& feed, Evaluation* evaluation, RankGroup* ranks,
            const Device& device, Model& model, Checkpoint checkpoint, EventWriter& events,
            const StopSignal& stop);

  // Of an NVIDIA device: records a step as a CUDA graph, which all further steps replay. Returns
  // "on", or "off" and why it does without. Leaves everything as WarmUp does.
  std::string RecordStep();

  // Runs a few steps, so that kernels are made and memory is there, and puts everything back as it
  // was bit by bit: parameters, running statistics, momentum; random streams are named by epoch,
  // and this one uses none of theirs.
  WarmUpResult WarmUp();

  // Compares an accelerator with the CPU (device_check.h), and says how far they are apart. Throws
  // TrainerError (setup) when that is too far. Before the fit, of which it is no part.
  std::string CheckDevice();

  // Goes on where the checkpoint's training was, unless that is beyond `max_epochs`; returns its
  // epochs, 0 without one. Before WarmUp.
  int Resume(std::optional<int> max_epochs);

  // All epochs that are left, one `epoch_finished` each. Call WarmUp before it: what published
  // results call fit time has the start-up of the first lap in it.
  FitResult Fit();

 private:
  bool first() const { return ranks_ == nullptr || ranks_->rank() == 0; }
  // At least kWarmUpSteps, and of an asynchronous device some more whose phases become profile_.
  // Returns the last one's batch, and in `first_batch` when the first was there (seconds since the
  // process's start).
  TrainBatch TrySteps(bool profiled, double& first_batch);
  at::Tensor Step(const TrainBatch& batch, double learning_rate);
  void StartFit();
  void CheckAgain();
  LapResult RunLap(int number);
  // Times a part of the evaluation and fills estimate_, and what was evaluated into `lap`.
  void EstimateRest(LapResult& lap);
  void TrainEpoch(int number, double learning_rate);
  void CheckLosses(int number, int from, int to) const;
  void ReportStep(int number);
  void FillSteps(LapResult& lap) const;
  std::optional<double> PeakMemoryBytes() const;
  PhaseSeconds LapPhases(const LapTime& time, double train_seconds) const;

  const Workload& workload_;
  RankGroup* const ranks_;
  const Device device_;
  Model& model_;
  EventWriter& events_;
  const StopSignal& stop_;
  const int steps_;  // of each lap
  Checkpoint checkpoint_;
  TrainingProgress progress_made_;
  Feed& feed_;
  TrainStep step_;
  std::unique_ptr<GraphedStep> graph_;  // of the step, where it is recorded
  double recorded_peak_bytes_ = 0;      // the graph's memory, which a replay does not ask for
  Evaluation* const evaluation_;
  const WorkFlops flops_;
  StepLog step_log_;
  ProgressReporter progress_;
  LapClock clock_;
  std::optional<LapEstimate> estimate_;  // of a quick workload, after its lap
  std::optional<double> fit_started_;    // seconds since the process's start
  double checking_seconds_ = 0;          // of the fit, which no published result has
  std::optional<PhaseSeconds> profile_;  // asynchronous devices: a step's phases, synchronised
};

}  // namespace laptime::trainer
