#include "agent/trainer/batch_feed.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>

namespace laptime::trainer {
namespace {

using Slots = std::vector<std::array<at::Tensor, kViews>>;

Slots AllocateSlots(const Workload& workload, const Device& device, const RankShare& share) {
  const int images = share.end(workload.batch_size) - share.begin(workload.batch_size);
  Slots slots(static_cast<size_t>(BatchLoader::SlotsFor(workload.loader_workers)));
  const auto options = at::TensorOptions().dtype(at::kByte).pinned_memory(device.cuda());
  for (auto& slot : slots) {
    for (at::Tensor& view : slot) {
      view =
          at::empty({images, kChannels, kImageSide, kImageSide}, options, device.memory_format());
    }
  }
  return slots;
}

std::vector<BatchBuffers> Buffers(const Slots& slots) {
  std::vector<BatchBuffers> buffers;
  for (const auto& slot : slots) {
    buffers.push_back({{slot[0].mutable_data_ptr<uint8_t>(), slot[1].mutable_data_ptr<uint8_t>()}});
  }
  return buffers;
}

LoaderOptions OptionsFor(const Workload& workload, const Device& device, const RankShare& share) {
  LoaderOptions options;
  options.batch_size = workload.batch_size;
  options.share = share;
  options.workers = workload.loader_workers;
  options.seed = workload.seed;
  options.layout = device.pixel_layout();
  return options;
}

}  // namespace

BatchFeed::BatchFeed(const ImageSet& images, const Workload& workload, const Device& device,
                     const RankShare& share)
    : device_(device),
      normalize_(device),
      slots_(AllocateSlots(workload, device, share)),
      loader_(images, OptionsFor(workload, device, share), Buffers(slots_)) {}

void BatchFeed::StartEpoch(int epoch, int steps) {
  while (!copying_.empty()) ReleaseCopied(/*wait=*/true);
  augment_seconds_ = 0;
  loader_.StartEpoch(epoch, steps);
}

TrainBatch BatchFeed::Next(LapClock& clock) {
  while (!copying_.empty() && copying_.front().query()) ReleaseCopied(/*wait=*/false);
  // One slot must be free for the loader, whatever the device's pace. This waits for the device,
  // not for the loader.
  if (copying_.size() + 1 >= slots_.size()) ReleaseCopied(/*wait=*/true);
  clock.Enter(Phase::kLoadWait);
  const Batch batch = loader_.Next();
  augment_seconds_ += batch.augment_seconds;

  clock.Enter(Phase::kHostToDevice);
  const auto& slot = slots_[static_cast<size_t>(batch.slot)];
  TrainBatch views;
  for (const at::Tensor& view : slot)
    views.images.push_back(normalize_(view.to(device_.torch(), /*non_blocking=*/device_.cuda())));
  if (device_.cuda()) {
    copying_.emplace_back(c10::kCUDA);
    copying_.back().record(at::accelerator::getCurrentStream(device_.torch().index()));
  } else {
    loader_.Release();
  }
  return views;
}

void BatchFeed::ReleaseCopied(bool wait) {
  if (wait) copying_.front().synchronize();
  copying_.pop_front();
  loader_.Release();
}

}  // namespace laptime::trainer
