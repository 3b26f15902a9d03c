#include "agent/trainer/probe/capabilities.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/zeros_like.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/trainer/cuda/cuda_module.h"
#include "agent/trainer/log.h"
#include "agent/trainer/model.h"
#include "agent/trainer/precision.h"
#include "agent/trainer/sgd.h"
#include "agent/trainer/step_timer.h"

namespace laptime::trainer {
namespace {

constexpr int kSteps = 2;  // the first one chooses kernels
constexpr int kOptimizerSteps = 5;
constexpr char kNoTime[] = "the probe's time was over";

struct PrecisionName {
  Precision precision;
  const char* name;
};
constexpr PrecisionName kPrecisions[] = {{Precision::kFp32, "fp32"},
                                         {Precision::kFp32Strict, "fp32-strict"},
                                         {Precision::kBf16, "bf16"},
                                         {Precision::kFp16, "fp16"}};

class Matrix {
 public:
  Matrix(const Device& device, const std::function<bool()>& time_left,
         const std::function<void(const Capability&)>& on_cell)
      : device_(device), time_left_(time_left), on_cell_(on_cell) {}

  void Measure() {
    MeasureFusedSgd();
    for (const PrecisionName& one : kPrecisions) MeasurePrecision(one);
    ApplyPrecision(Precision::kFp32);
    on_cell_(Failed({"fp32", "compile", {}, "", {}, {}, ""},
                    "torch.compile is Python's; LibTorch does not offer it"));
    if (!device_.cuda())
      on_cell_(Failed({"fp32", "cuda_graph", {}, "", {}, {}, ""}, "only NVIDIA devices have it"));
  }

 private:
  // Tells `cell` as `seconds` finds it, compared with `compared`.
  std::optional<double> Tell(Capability cell, std::optional<double> compared,
                             const std::function<double()>& seconds) {
    if (!time_left_()) {
      cell.reason = kNoTime;
      on_cell_(cell);
      return std::nullopt;
    }
    try {
      cell = Measured(cell, seconds(), compared);
    } catch (const c10::Error& error) {
      const std::string text = error.what_without_backtrace();
      cell = Failed(cell, text.substr(0, text.find('\n')));
    }
    on_cell_(cell);
    return cell.seconds;
  }

  double Step(Precision precision, PixelLayout layout, int batch,
              const CudaModule* graphs = nullptr) {
    ApplyPrecision(precision);
    workload_.precision = precision;
    workload_.batch_size = batch;
    return FastestStep(workload_, device_.With(layout), kSteps, graphs);
  }

  // What the other precisions are compared with.
  std::optional<double> Fp32(int batch) {
    if (!fp32_.contains(batch) && time_left_())
      fp32_[batch] = Step(Precision::kFp32, PixelLayout::kPlanar, batch);
    const auto known = fp32_.find(batch);
    return known == fp32_.end() ? std::nullopt : std::optional<double>(known->second);
  }

  // Planar images first: they work everywhere.
  void MeasurePrecision(const PrecisionName& one) {
    const bool slow = device_.cpu() && !CpuComputes(one.precision);
    const int batch = slow ? kSlowCapabilityBatch : kCapabilityBatch;
    const bool base = one.precision == Precision::kFp32;
    const auto planar = Tell({one.name, "training", {}, "", {}, {}, "training in fp32"},
                             base ? std::nullopt : Fp32(batch),
                             [&] { return Step(one.precision, PixelLayout::kPlanar, batch); });
    if (!planar) return;
    if (base) fp32_[batch] = *planar;
    const auto interleaved =
        Tell({one.name, "channels_last", {}, "", {}, {}, "contiguous"}, planar,
             [&] { return Step(one.precision, PixelLayout::kInterleaved, batch); });
    if (device_.cuda()) MeasureGraph(one, batch, interleaved);
  }

  void MeasureGraph(const PrecisionName& one, int batch, std::optional<double> by_itself) {
    const Capability cell = {one.name, "cuda_graph", {}, "", {}, {}, "each kernel by itself"};
    const auto opened = OpenCudaModule();
    if (const auto* why = std::get_if<std::string>(&opened)) return on_cell_(Failed(cell, *why));
    Tell(cell, by_itself, [&] {
      return Step(one.precision, PixelLayout::kInterleaved, batch,
                  std::get<const CudaModule*>(opened));
    });
  }

  // The optimizer alone; compared with one kernel for each operation over all tensors.
  void MeasureFusedSgd() {
    Model model(workload_.seed);
    model.MoveTo(device_.torch(), device_.memory_format());
    std::vector<at::Tensor> parameters = model.Parameters();
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> gradients;
    std::vector<at::Tensor> momentum;
    for (const at::Tensor& parameter : parameters) {
      gradients.push_back(at::zeros_like(parameter));
      momentum.push_back(at::zeros_like(parameter));
    }
    const auto foreach = [&] {
      at::_foreach_add_(gradients, parameters, workload_.weight_decay);
      at::_foreach_mul_(momentum, workload_.momentum);
      at::_foreach_add_(momentum, gradients);
      at::_foreach_add_(parameters, momentum, -workload_.learning_rate);
    };
    std::optional<double> compared;
    if (time_left_()) compared = Fastest(foreach, [] {});
    Sgd sgd(parameters, workload_.momentum, workload_.weight_decay);
    Tell({"fp32", "fused_sgd", {}, "", {}, {}, "a kernel for each operation"}, compared, [&] {
      return Fastest([&] { sgd.Step(workload_.learning_rate); },
                     [&] {
                       for (size_t i = 0; i < parameters.size(); ++i)
                         parameters[i].mutable_grad() = gradients[i];
                     });
    });
  }

  // Seconds of `work`, without those of `prepare`.
  double Fastest(const std::function<void()>& work, const std::function<void()>& prepare) const {
    std::optional<double> fastest;
    for (int i = 0; i < kOptimizerSteps; ++i) {
      prepare();
      device_.Synchronize();
      const auto start = std::chrono::steady_clock::now();
      work();
      device_.Synchronize();
      const double seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      fastest = std::min(fastest.value_or(seconds), seconds);
    }
    return *fastest;
  }

  const Device& device_;
  const std::function<bool()>& time_left_;
  const std::function<void(const Capability&)>& on_cell_;
  Workload workload_;
  std::map<int, double> fp32_;  // seconds of a training step, by batch
};

}  // namespace

void MeasureCapabilities(const Device& device, const std::function<bool()>& time_left,
                         const std::function<void(const Capability&)>& on_cell) {
  Matrix(device, time_left, on_cell).Measure();
}

}  // namespace laptime::trainer
