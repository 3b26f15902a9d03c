#include "agent/trainer/train_loop.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <variant>

#include "agent/trainer/cuda/cuda_module.h"
#include "agent/trainer/device_check.h"
#include "agent/trainer/failure.h"
#include "agent/trainer/learning_gate.h"
#include "agent/trainer/log.h"
#include "agent/trainer/process_clock.h"
#include "agent/trainer/random_stream.h"
#include "agent/trainer/schedule.h"
#include "agent/trainer/step_trend.h"

namespace laptime::trainer {
namespace {

constexpr int kWarmUpSteps = 2;
constexpr int kProfiledSteps = 3;
constexpr int kLapsBetweenChecks = 10;  // of an accelerator against the CPU
constexpr int kRecentSteps = 5;         // whose mean time the progress shows

// The epochs count from 1; what comes before the first has its own random streams.
constexpr int kWarmUpEpoch = 0;

constexpr Phase kStepPhases[] = {Phase::kHostToDevice, Phase::kForward, Phase::kLoss,
                                 Phase::kBackward, Phase::kOptimizer};

double& At(PhaseSeconds& seconds, Phase phase) { return seconds[static_cast<size_t>(phase)]; }
double At(const PhaseSeconds& seconds, Phase phase) { return seconds[static_cast<size_t>(phase)]; }

std::string Describe(const LapResult& lap, int epochs) {
  std::string text = "epoch " + std::to_string(lap.number) + "/" + std::to_string(epochs) + ": " +
                     Decimals(lap.wall_seconds, 1) + " s (training " +
                     Decimals(lap.train_seconds, 1) + ", evaluation " +
                     Decimals(lap.evaluation_seconds, 1) + "), loss " +
                     Decimals(lap.first_loss, 3) + " to " + Decimals(lap.last_loss, 3) + ", mean " +
                     Decimals(lap.mean_loss, 3);
  if (lap.knn_accuracy) text += ", kNN " + Decimals(100 * *lap.knn_accuracy, 2) + " %";
  text += ", " + Decimals(lap.images_per_second, 1) + " images/s, " +
          Decimals(lap.flops_per_second / 1e12, 3) + " TFLOP/s";
  if (lap.step_seconds) text += ", step " + Decimals(lap.step_seconds->p50, 3) + " s";
  return text + ", rate " + Decimals(lap.learning_rate, 5);
}

}  // namespace

TrainLoop::TrainLoop(const Workload& workload, Feed& feed, Evaluation* evaluation, RankGroup* ranks,
                     const Device& device, Model& model, Checkpoint checkpoint, EventWriter& events,
                     const StopSignal& stop)
    : workload_(workload),
      ranks_(ranks),
      device_(device),
      model_(model),
      events_(events),
      stop_(stop),
      steps_(workload.quick ? QuickSteps(workload.steps_per_epoch) : workload.steps_per_epoch),
      checkpoint_(std::move(checkpoint)),
      feed_(feed),
      step_(model, workload, device, ranks),
      evaluation_(evaluation),
      flops_(CountFlops(model, device)),
      // Without times of steps there is no estimate of a whole lap.
      step_log_(device, steps_, /*needs_times=*/workload.spec.partial()),
      progress_(events) {
  progress_made_.layout = {device.pixel_layout(), at::get_num_threads()};
}

TrainBatch TrainLoop::TrySteps(bool profiled, double& first_batch) {
  const int available = workload_.train_images / workload_.batch_size;
  const int steps = std::min(profiled ? kWarmUpSteps + kProfiledSteps : kWarmUpSteps, available);
  feed_.StartEpoch(kWarmUpEpoch, steps);
  clock_.Start();
  TrainBatch batch;
  for (int step = 0; step < steps; ++step) {
    if (step == kWarmUpSteps) {
      device_.Synchronize();
      clock_ = LapClock(std::chrono::steady_clock::now, [this] { device_.Synchronize(); });
    }
    batch = feed_.Next(clock_);
    if (step == 0) first_batch = ProcessSeconds();
    Step(batch, workload_.learning_rate);
    stop_.Check();
  }
  if (steps > kWarmUpSteps) profile_ = clock_.Read().phases;
  clock_ = LapClock();
  return batch;
}

std::string TrainLoop::RecordStep() {
  StartFit();
  if (ranks_ != nullptr) return "off: several ranks";
  const auto opened = OpenCudaModule();
  if (const auto* why = std::get_if<std::string>(&opened)) return "off: " + *why;
  TrainBatch batch;
  {
    const StateKeeper keeper(step_);
    double first_batch = 0;
    batch = TrySteps(/*profiled=*/true, first_batch);
  }
  device_.Synchronize();
  at::accelerator::emptyCache();  // a graph has memory of its own
  device_.ForgetPeakMemory();
  const CudaModule& module = *std::get<const CudaModule*>(opened);
  try {
    auto step = std::make_unique<GraphedStep>(step_, batch, module.new_graph());
    if (evaluation_ != nullptr) evaluation_->Record(model_, module.new_graph());
    graph_ = std::move(step);
  } catch (const c10::Error& error) {
    step_.DropGradients();
    const std::string why = error.what_without_backtrace();
    return "off: " + why.substr(0, why.find('\n'));
  }
  recorded_peak_bytes_ = device_.PeakMemoryBytes().value_or(0);
  return "on";
}

WarmUpResult TrainLoop::WarmUp() {
  WarmUpResult result;
  StartFit();
  {
    const StateKeeper keeper(step_);
    TrySteps(/*profiled=*/!device_.cpu() && graph_ == nullptr, result.time_to_first_batch);
    if (evaluation_ != nullptr) evaluation_->WarmUp(model_);
  }
  device_.ForgetPeakMemory();
  result.seconds = ProcessSeconds() - result.time_to_first_batch;
  return result;
}

void TrainLoop::StartFit() {
  if (!fit_started_) fit_started_ = ProcessSeconds();
}

// Of trained weights nobody has measured what rounding may do, so this does not end a run.
void TrainLoop::CheckAgain() {
  const double start = ProcessSeconds();
  try {
    Log("checked: " + CheckDevice());
  } catch (const TrainerError& error) {
    Log(std::string("warning: ") + error.what());
  }
  checking_seconds_ += ProcessSeconds() - start;
}

std::string TrainLoop::CheckDevice() { return CheckAgainstCpu(device_, model_, workload_); }

int TrainLoop::Resume(std::optional<int> max_epochs) {
  if (first()) {
    if (const auto progress = checkpoint_.Restore(step_.State(), max_epochs)) {
      progress_made_.epochs = progress->epochs;
      progress_made_.max_knn_accuracy = progress->max_knn_accuracy;
    }
  }
  if (ranks_ != nullptr) {
    at::Tensor epochs = at::tensor({progress_made_.epochs}, at::kInt);
    ranks_->CopyFromFirst({epochs});
    progress_made_.epochs = epochs.item<int>();
    ranks_->CopyFromFirst(step_.State());
  }
  return progress_made_.epochs;
}

FitResult TrainLoop::Fit() {
  FitResult fit;
  for (int number = progress_made_.epochs + 1; number <= workload_.epochs; ++number) {
    const LapResult lap = RunLap(number);
    events_.Write("epoch_finished", ToJson(lap));
    if (first()) Log(Describe(lap, workload_.epochs));
    ++fit.epochs;
    progress_made_.epochs = number;
    progress_made_.max_knn_accuracy =
        std::max(progress_made_.max_knn_accuracy, lap.knn_accuracy.value_or(0));
    if (number < workload_.epochs && first()) checkpoint_.Keep(step_.State(), progress_made_);
    if (!device_.cpu() && number % kLapsBetweenChecks == 0) CheckAgain();
  }
  if (!workload_.quick && evaluation_ != nullptr)
    fit.max_knn_accuracy = progress_made_.max_knn_accuracy;
  fit.estimate = estimate_;
  fit.fit_seconds = ProcessSeconds() - *fit_started_ - checking_seconds_;
  fit.peak_memory_bytes = PeakMemoryBytes();
  return fit;
}

LapResult TrainLoop::RunLap(int number) {
  LapResult lap;
  lap.number = number;
  lap.learning_rate =
      LearningRate(workload_.learning_rate, workload_.batch_size, number - 1, workload_.epochs);
  device_.Synchronize();
  lap.started_unix_ms = UnixMilliseconds();
  clock_.Start();

  TrainEpoch(number, lap.learning_rate);
  lap.steps = step_log_.recorded();
  lap.train_seconds = clock_.Elapsed();
  if (workload_.quick) {
    EstimateRest(lap);
  } else if (evaluation_ != nullptr) {
    lap.bank_images = evaluation_->bank_images();
    lap.test_images = evaluation_->test_images();
    lap.knn_accuracy = evaluation_->Run(model_, clock_, [&](const char* phase, int done, int all) {
      progress_.Report({number, done, all, std::nullopt, std::nullopt, phase});
      stop_.Check();
    });
  }
  device_.Synchronize();
  const LapTime time = clock_.Read();
  lap.wall_seconds = time.seconds;
  lap.phases = LapPhases(time, lap.train_seconds);
  lap.ended_unix_ms = UnixMilliseconds();

  lap.phases_profiled = !device_.cpu();
  lap.evaluation_seconds = lap.wall_seconds - lap.train_seconds;
  lap.images_per_second = lap.steps * workload_.batch_size / lap.train_seconds;
  lap.augment_seconds = feed_.augment_seconds();
  lap.flops_per_second =
      flops_.OfLap(lap.steps * workload_.batch_size, lap.bank_images, lap.test_images) /
      lap.wall_seconds;
  lap.peak_memory_bytes = PeakMemoryBytes();
  FillSteps(lap);
  return lap;
}

at::Tensor TrainLoop::Step(const TrainBatch& batch, double learning_rate) {
  return graph_ != nullptr ? graph_->Run(batch, learning_rate, clock_)
                           : step_.Run(batch, learning_rate, clock_);
}

std::optional<double> TrainLoop::PeakMemoryBytes() const {
  const auto peak = device_.PeakMemoryBytes();
  return peak ? std::optional(std::max(*peak, recorded_peak_bytes_)) : std::nullopt;
}

void TrainLoop::TrainEpoch(int number, double learning_rate) {
  // What dropout draws depends on the epoch and the rank alone.
  const auto rank = static_cast<uint64_t>(ranks_ == nullptr ? 0 : ranks_->rank());
  at::manual_seed(
      RandomStream(RandomUse::kDropout, {workload_.seed, static_cast<uint64_t>(number), rank})
          .Next());
  step_log_.Start();
  feed_.StartEpoch(number, steps_);
  int checked = 0;
  for (int step = 0; step < steps_; ++step) {
    step_log_.Record(Step(feed_.Next(clock_), learning_rate));
    const int finished = step_log_.Finished();
    CheckLosses(number, checked, finished);
    checked = finished;
    ReportStep(number);
    stop_.Check();
    if (events_.reader_gone()) throw Stopped();
  }
  device_.Synchronize();
  step_log_.Settle();
  CheckLosses(number, checked, step_log_.recorded());
  // As one process would have them.
  if (ranks_ != nullptr) {
    step_log_.Average(*ranks_);
    ranks_->CopyFromFirst(step_.Buffers());
  }
}

void TrainLoop::EstimateRest(LapResult& lap) {
  const std::vector<double> steps = WarmSteps(step_log_.StepSeconds());
  std::vector<TimedWork> parts = {{steps, static_cast<double>(workload_.steps_per_epoch)}};
  if (evaluation_ != nullptr) {
    const EvaluationSample sample = evaluation_->Sample(model_, kQuickShare, clock_);
    lap.bank_images = sample.bank_images;
    lap.test_images = sample.test_images;
    parts.push_back({sample.bank_seconds, sample.bank_batches});
    parts.push_back({sample.test_seconds, sample.test_batches});
  }
  estimate_ = EstimateLap(parts);
  estimate_->timed_steps = static_cast<int>(std::ssize(steps));
  estimate_->timed_images = lap.bank_images + lap.test_images;
}

void TrainLoop::CheckLosses(int number, int from, int to) const {
  for (int step = from; step < to; ++step) {
    if (std::isfinite(step_log_.loss(step))) continue;
    const char* what = std::isnan(step_log_.loss(step)) ? "not a number" : "infinite";
    throw TrainerError(FailureCause::kWorkload,
                       std::string("the loss is ") + what + " at step " + std::to_string(step + 1) +
                           " of epoch " + std::to_string(number),
                       "it diverged: a lower learning_rate or a higher temperature may help");
  }
}

void TrainLoop::ReportStep(int number) {
  if (!progress_.due()) return;
  Progress progress{number, step_log_.recorded(), steps_, std::nullopt, std::nullopt, "train"};
  if (const int finished = step_log_.Finished(); finished > 0)
    progress.loss = step_log_.loss(finished - 1);
  if (step_log_.waits()) {
    const std::vector<double> seconds = step_log_.StepSeconds();
    const auto recent = std::min<std::ptrdiff_t>(kRecentSteps, std::ssize(seconds));
    progress.step_seconds =
        std::accumulate(seconds.end() - recent, seconds.end(), 0.0) / static_cast<double>(recent);
  } else {
    progress.step_seconds = clock_.Elapsed() / step_log_.recorded();
  }
  progress_.Report(progress);
}

void TrainLoop::FillSteps(LapResult& lap) const {
  std::vector<double> losses;
  for (int step = 0; step < lap.steps; ++step) losses.push_back(step_log_.loss(step));
  lap.mean_loss = std::accumulate(losses.begin(), losses.end(), 0.0) / lap.steps;
  lap.first_loss = losses.front();
  lap.last_loss = losses.back();
  if (lap.number == 1) lap.gate_loss = GateLoss(losses);
  if (std::vector<double> seconds = step_log_.StepSeconds(); !seconds.empty()) {
    lap.trend = TrendOf(seconds);
    lap.step_seconds = QuantilesOf(std::move(seconds));
  }
}

// An asynchronous device's training is shared out as in the profiled steps, and is all kOther where
// there were none; the wait for a batch, bank and kNN are the host's true times.
PhaseSeconds TrainLoop::LapPhases(const LapTime& time, double train_seconds) const {
  PhaseSeconds phases = time.phases;
  if (device_.cpu()) return phases;
  const PhaseSeconds profile = profile_.value_or(PhaseSeconds{});
  double known = At(phases, Phase::kLoadWait) + At(phases, Phase::kBank) + At(phases, Phase::kKnn);
  double profiled = 0;
  for (Phase phase : kStepPhases) profiled += At(profile, phase);
  const double computing = train_seconds - At(phases, Phase::kLoadWait);
  for (Phase phase : kStepPhases) {
    At(phases, phase) = profiled > 0 ? computing * At(profile, phase) / profiled : 0;
    known += At(phases, phase);
  }
  At(phases, Phase::kOther) = time.seconds - known;
  return phases;
}

}  // namespace laptime::trainer
