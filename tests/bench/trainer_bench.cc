// The parts of a lap, each alone, with the trainer's own allocator, on all cores and channels-last,
// and what the machine could do at most.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <benchmark/benchmark.h>

#include <vector>

#include "agent/trainer/augment.h"
#include "agent/trainer/cpu_topology.h"
#include "agent/trainer/device.h"
#include "agent/trainer/feature_maker.h"
#include "agent/trainer/fused_norm.h"
#include "agent/trainer/knn.h"
#include "agent/trainer/lap_clock.h"
#include "agent/trainer/model.h"
#include "agent/trainer/networks/resnet18_cifar.h"
#include "agent/trainer/normalized_rows.h"
#include "agent/trainer/ntxent.h"
#include "agent/trainer/precision.h"
#include "agent/trainer/process_setup.h"
#include "agent/trainer/synthetic.h"
#include "agent/trainer/train_step.h"
#include "agent/trainer/work_flops.h"
#include "tests/bench/fma_peak.h"

namespace laptime::trainer {
namespace {

constexpr int kBatch = 128;
constexpr int kBankImages = 50000;
constexpr int kSmallSet = 64;

at::Tensor RandomImages(int count) {
  return at::randn({count, kChannels, kImageSide, kImageSide})
      .contiguous(at::MemoryFormat::ChannelsLast);
}

// One thread; items are views.
void MakeViews(benchmark::State& state) {
  const ImageSet images = GenerateSyntheticCifar10(kSmallSet, 1).train;
  std::vector<uint8_t> planar(kImageBytes);
  std::vector<uint8_t> interleaved(kImageBytes);
  int image = 0;
  int epoch = 1;
  for (auto _ : state) {
    MakeView(images.image(image), DrawView(1, epoch, image, 0), planar.data());
    Interleave(planar.data(), interleaved.data());
    benchmark::DoNotOptimize(interleaved.data());
    image = (image + 1) % kSmallSet;
    if (image == 0) ++epoch;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(MakeViews);

void NtXent(benchmark::State& state) {
  const at::Tensor first = at::randn({kBatch, 128}).set_requires_grad(true);
  const at::Tensor second = at::randn({kBatch, 128}).set_requires_grad(true);
  for (auto _ : state) NtXentLoss(first, second, 0.5).backward();
}
BENCHMARK(NtXent)->Unit(benchmark::kMillisecond)->UseRealTime();

// The vote of one batch of features against CIFAR-10's bank.
void KnnVote(benchmark::State& state) {
  const at::NoGradGuard no_grad;
  const at::Tensor bank = NormalizedRows(at::randn({kBankImages, ResNet18Cifar::kFeatures}));
  const at::Tensor labels = at::randint(0, kClasses, {kBankImages}, at::kLong);
  const at::Tensor features =
      NormalizedRows(at::randn({FeatureMaker::kBatch, ResNet18Cifar::kFeatures}));
  for (auto _ : state) benchmark::DoNotOptimize(KnnPredict(features, bank, labels, {}));
  state.SetItemsProcessed(state.iterations() * FeatureMaker::kBatch);
}
BENCHMARK(KnnVote)->Unit(benchmark::kMillisecond)->UseRealTime();

// Forward and backward of the first stage's batch norm with ReLU, of float or bfloat16.
void Norm(benchmark::State& state, at::ScalarType type) {
  constexpr int kNormChannels = 64;
  const NormState norm = {at::randn({kNormChannels}), at::randn({kNormChannels}),
                          at::randn({kNormChannels}), at::randn({kNormChannels}).square()};
  const at::Tensor x = at::randn({kBatch, kNormChannels, kImageSide, kImageSide})
                           .to(type)
                           .contiguous(at::MemoryFormat::ChannelsLast)
                           .set_requires_grad(true);
  const at::Tensor dy = at::randn(x.sizes()).to(type).contiguous(at::MemoryFormat::ChannelsLast);
  for (auto _ : state) FusedNorm(x, norm, Activation::kRelu, {}).backward(dy);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(x.nbytes()) * 10);
}
BENCHMARK_CAPTURE(Norm, fp32, at::kFloat)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(Norm, bf16, at::kBFloat16)->Unit(benchmark::kMillisecond)->UseRealTime();

void Features(benchmark::State& state) {
  const at::NoGradGuard no_grad;
  Model model(1);
  model.MoveTo(at::kCPU, at::MemoryFormat::ChannelsLast);
  const at::Tensor images = RandomImages(static_cast<int>(FeatureMaker::kBatch));
  model.Features(images);  // libraries choose their kernels the first time
  for (auto _ : state) benchmark::DoNotOptimize(model.Features(images));
  state.counters["FLOP/s"] =
      benchmark::Counter(CountFlops(model, Device::Open("cpu")).evaluated_image *
                             static_cast<double>(FeatureMaker::kBatch),
                         benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(Features)->Unit(benchmark::kMillisecond)->UseRealTime();

void Step(benchmark::State& state, Precision precision) {
  const Device device = Device::Open("cpu");
  ApplyPrecision(precision);
  Model model(1);
  model.MoveTo(device.torch(), device.memory_format());
  Workload workload;
  workload.precision = precision;
  TrainStep step(model, workload, device);
  LapClock clock;
  const TrainBatch views = {{RandomImages(kBatch), RandomImages(kBatch)}, {}};
  step.Run(views, 0.06, clock);
  for (auto _ : state) step.Run(views, 0.06, clock);
  state.counters["FLOP/s"] = benchmark::Counter(CountFlops(model, device).OfLap(kBatch, 0, 0),
                                                benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(Step, fp32, Precision::kFp32)->Unit(benchmark::kMillisecond)->UseRealTime();

// In as many threads as a step has: FLOP/s here is what it could reach at most.
void Peak(benchmark::State& state, float (*run)(int64_t rounds), int64_t flops_a_round) {
  constexpr int64_t kRounds = 1 << 20;
  for (auto _ : state) benchmark::DoNotOptimize(run(kRounds));
  state.counters["FLOP/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * kRounds * flops_a_round),
                         benchmark::Counter::kIsRate);
}

void RegisterWhatThisMachineHas(int cores) {
  const auto add_peak = [cores](const char* name, float (*run)(int64_t), int64_t flops) {
    benchmark::RegisterBenchmark(name, Peak, run, flops)
        ->Threads(cores)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  };
  add_peak("Peak/fp32", MultiplyAdd, FlopsARound());
  if (CanDotBf16()) add_peak("Peak/bf16", DotBf16, Bf16FlopsARound());
  if (!CpuComputes(Precision::kBf16)) return;
  const auto step = [](benchmark::State& state) { Step(state, Precision::kBf16); };
  benchmark::RegisterBenchmark("Step/bf16", step)->Unit(benchmark::kMillisecond)->UseRealTime();
}

}  // namespace
}  // namespace laptime::trainer

int main(int argc, char** argv) {
  laptime::trainer::KeepFreedMemory();
  laptime::trainer::PrepareEnvironment(argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const int cores = laptime::trainer::UsableCores();
  at::set_num_threads(cores);
  laptime::trainer::RegisterWhatThisMachineHas(cores);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
