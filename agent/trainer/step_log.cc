#include "agent/trainer/step_log.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include "agent/trainer/ranks/rank_group.h"
#include "agent/trainer/tensor_data.h"

namespace laptime::trainer {

StepLog::StepLog(const Device& device, int steps, bool needs_times)
    : device_(device),
      waits_(device.cpu() || (needs_times && !device.cuda())),
      losses_(static_cast<size_t>(steps)) {
  if (waits_) return;
  auto options = at::TensorOptions().dtype(at::kFloat);
  if (device_.cuda()) {
    for (int i = 0; i <= steps; ++i)
      events_.emplace_back(c10::kCUDA, c10::EventFlag::BACKEND_DEFAULT);
    options = options.pinned_memory(true);
  } else {
    options = options.device(device_.torch());
  }
  traveling_ = at::empty({steps}, options);
}

void StepLog::Start() {
  recorded_ = finished_ = 0;
  ends_.clear();
  if (waits_) ends_.push_back(std::chrono::steady_clock::now());
  if (device_.cuda()) MarkCuda(0);
}

void StepLog::Record(const at::Tensor& loss) {
  const int step = recorded_++;
  if (waits_) {
    losses_[static_cast<size_t>(step)] = loss.item<double>();  // waits for the device
    ends_.push_back(std::chrono::steady_clock::now());
    finished_ = recorded_;
    return;
  }
  traveling_.select(0, step).copy_(loss, /*non_blocking=*/true);
  if (device_.cuda()) MarkCuda(static_cast<size_t>(recorded_));
}

int StepLog::Finished() {
  while (device_.cuda() && finished_ < recorded_ &&
         events_[static_cast<size_t>(finished_) + 1].query()) {
    losses_[static_cast<size_t>(finished_)] = DataOf<float>(traveling_)[finished_];
    ++finished_;
  }
  return finished_;
}

void StepLog::Settle() {
  if (waits_) return;
  const at::Tensor host = traveling_.to(at::kCPU);
  for (; finished_ < recorded_; ++finished_) {
    losses_[static_cast<size_t>(finished_)] = DataOf<float>(host)[finished_];
  }
}

std::vector<double> StepLog::StepSeconds() const {
  std::vector<double> seconds;
  for (size_t i = 1; i < ends_.size(); ++i) {
    seconds.push_back(std::chrono::duration<double>(ends_[i] - ends_[i - 1]).count());
  }
  for (size_t i = 1; i <= static_cast<size_t>(recorded_) && device_.cuda(); ++i) {
    constexpr double kMillisecond = 1e-3;
    seconds.push_back(events_[i - 1].elapsedTime(events_[i]) * kMillisecond);
  }
  return seconds;
}

void StepLog::MarkCuda(size_t number) {
  events_[number].record(at::accelerator::getCurrentStream(device_.torch().index()));
}

void StepLog::Average(RankGroup& ranks) {
  at::Tensor sums = at::tensor(losses_, at::kDouble);
  ranks.Sum(sums);
  sums.div_(ranks.size());
  losses_.assign(DataOf<double>(sums), DataOf<double>(sums) + sums.numel());
}

}  // namespace laptime::trainer
