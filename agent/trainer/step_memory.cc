#include "agent/trainer/step_memory.h"

#include <ATen/ops/empty.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <memory>

#include "agent/trainer/log.h"
#include "agent/trainer/model.h"
#include "agent/trainer/random_batch.h"
#include "agent/trainer/run_to_end.h"
#include "agent/trainer/train_step.h"

namespace laptime::trainer {
namespace {

// Where the images' part of a step's memory exceeds the optimizer's, and yet little is needed.
constexpr int kSmallestMeasured = 8;
// Of a batch that small, even less is measured.
constexpr int kFewImages = 64;
// Of one image a batch norm knows no spread, and SimCLR no other to tell it from; the least that a
// workload may ask for.
constexpr int kSmallestBatch = 2;
// What LibTorch's allocator can use of what is free: a CPU's heap and oneDNN's scratch space need
// 0.6 times as much again (measured: 14.7 MB of resident memory an image, 9.3 of them told by
// LibTorch).
constexpr double kUsableShareOfCpu = 0.55;
// Held back on other devices while batches are tried: for the bank, images under way, a graph.
constexpr double kHeldBack = 0.1;
// A batch that fits is found to a sixteenth.
constexpr int64_t kFineness = 16;
// With less than this oneDNN may not find room for its kernels, and crash.
constexpr double kLeastToMeasure = 1.5e9;
constexpr double kMegabyte = 1e6;
constexpr double kGigabyte = 1e9;

// LibTorch tells each allocation and release of the threads that work for this one.
class AllocationCounter : public c10::MemoryReportingInfoBase {
 public:
  explicit AllocationCounter(c10::DeviceType type) : type_(type) {}

  void reportMemoryUsage(void* /*ptr*/, int64_t bytes, size_t /*total_allocated*/,
                         size_t /*total_reserved*/, c10::Device device) override {
    if (device.type() != type_) return;
    const int64_t now = now_.fetch_add(bytes) + bytes;
    int64_t peak = peak_;
    while (now > peak && !peak_.compare_exchange_weak(peak, now)) {
    }
  }
  bool memoryProfilingEnabled() const override { return true; }

  int64_t peak() const { return peak_; }
  void ForgetPeak() { peak_ = now_.load(); }

 private:
  const c10::DeviceType type_;
  std::atomic<int64_t> now_ = 0;
  std::atomic<int64_t> peak_ = 0;
};

// cuDNN chooses other kernels with other scratch space for another batch, so that no model
// foretells what a batch takes; but trying is quick.
int64_t LargestTried(const Workload& workload, const Device& device, double free) {
  const at::Tensor held_back = at::empty({static_cast<int64_t>(kHeldBack * free)},
                                         at::TensorOptions(device.torch()).dtype(at::kByte));
  return LargestThatFits(workload.batch_size, [&](int64_t images) {
    if (images < kSmallestBatch) return false;
    try {
      StepMemoryBytes(workload, device, images);
      return true;
    } catch (const std::exception& error) {
      if (!IsOutOfMemory(error)) throw;
      device.GiveBackUnusedMemory();
      return false;
    }
  });
}

std::string Amount(double bytes) {
  return bytes < kGigabyte ? Decimals(bytes / kMegabyte, 0) + " MB"
                           : Decimals(bytes / kGigabyte, 1) + " GB";
}

}  // namespace

int64_t StepMemoryBytes(const Workload& workload, const Device& device, int64_t images) {
  auto counter = std::make_shared<AllocationCounter>(device.torch().type());
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, counter);
  Model model(workload.model, workload.seed);
  model.MoveTo(device.torch(), device.memory_format());
  TrainStep step(model, workload, device);
  LapClock clock;
  const TrainBatch batch = RandomBatch(model, images, device);
  if (!device.cpu()) {
    // cuDNN tries its kernels in the first step, with memory that it never asks for again.
    step.Run(batch, workload.learning_rate, clock);
    counter->ForgetPeak();
  }
  step.Run(batch, workload.learning_rate, clock);
  device.Synchronize();
  return counter->peak();
}

int64_t MemoryModel::Fitting(double bytes, int64_t most) const {
  int64_t fits = 0;
  for (int64_t too_many = most + 1; too_many - fits > 1;) {
    const int64_t middle = fits + (too_many - fits) / 2;
    (Bytes(static_cast<double>(middle)) <= bytes ? fits : too_many) = middle;
  }
  return fits;
}

int64_t LargestThatFits(int64_t most, const std::function<bool(int64_t images)>& fits) {
  int64_t fitting = 0;
  int64_t too_many = most + 1;
  for (int64_t next = most; next > 0;) {
    (fits(next) ? fitting : too_many) = next;
    if (fitting == 0) {
      next = too_many / 2;
    } else if (too_many - fitting > 1 + fitting / kFineness) {
      next = fitting + (too_many - fitting) / 2;
    } else {
      break;
    }
  }
  return fitting;
}

MemoryModel MeasureMemory(const Workload& workload, const Device& device) {
  const int smallest = workload.batch_size > kFewImages ? kSmallestMeasured : kSmallestBatch;
  std::array<double, 3> n{};
  std::array<double, 3> bytes{};
  for (size_t i = 0; i < n.size(); ++i) {
    const int images = smallest << i;
    n[i] = images;
    bytes[i] = static_cast<double>(StepMemoryBytes(workload, device, images));
  }
  // Newton's divided differences.
  const double first = (bytes[1] - bytes[0]) / (n[1] - n[0]);
  const double second = (bytes[2] - bytes[1]) / (n[2] - n[1]);
  MemoryModel model;
  model.pair = std::max(0.0, (second - first) / (n[2] - n[0]));
  model.image = second - model.pair * (n[1] + n[2]);
  model.fixed = bytes[2] - n[2] * (model.image + n[2] * model.pair);
  return model;
}

std::string MemoryHint(const Workload& workload, const Device& device) {
  device.GiveBackUnusedMemory();
  const std::optional<double> free = device.FreeMemoryBytes();
  if (!free || *free < kLeastToMeasure) return "a smaller batch_size needs less memory";
  int64_t fits = 0;
  std::string known = device.name() + " has " + Amount(*free);
  if (device.cpu()) {
    const MemoryModel model = MeasureMemory(workload, device);
    fits = model.Fitting(*free * kUsableShareOfCpu, workload.batch_size);
    known = "a step takes " + Amount(model.Bytes(0)) + " and " + Amount(model.image) +
            " an image; " + known;
  } else {
    fits = LargestTried(workload, device, *free);
    known = "it was tried; " + known;
  }
  if (fits < kSmallestBatch) return "no batch fits: " + known;
  if (fits == workload.batch_size) {
    return std::string("the step would fit if nothing else needed memory") +
           (device.cuda() ? ", a recorded graph's for instance (--set cuda_graph=false)" : "") +
           ": " + known;
  }
  return "batch_size=" + std::to_string(fits) + " fits: " + known;
}

}  // namespace laptime::trainer
