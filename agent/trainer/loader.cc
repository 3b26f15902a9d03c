#include "agent/trainer/loader.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/trainer/augment.h"
#include "agent/trainer/process_clock.h"
#include "agent/trainer/sampler.h"

namespace laptime::trainer {

BatchLoader::BatchLoader(const ImageSet& images, LoaderOptions options,
                         std::vector<BatchBuffers> slots)
    : images_(images),
      options_(options),
      slots_(std::move(slots)),
      seconds_(slots_.size()),
      ready_(slots_.size()) {
  for (int i = 0; i < options_.workers; ++i) {
    workers_.emplace_back([this](const std::stop_token& stop) { Work(stop); });
  }
}

BatchLoader::~BatchLoader() = default;

void BatchLoader::StartEpoch(int epoch, int steps) {
  // Workers are idle here: they only touch the order for batches that were begun, and all of those
  // are released.
  std::vector<int32_t> order = ShuffledIndices(images_.size(), options_.seed, epoch);
  const std::lock_guard lock(mu_);
  assert(released_ == steps_);
  epoch_ = epoch;
  order_ = std::move(order);
  steps_ = std::min(steps, images_.size() / options_.batch_size);
  begun_ = taken_ = released_ = 0;
  changed_.notify_all();
}

Batch BatchLoader::Next() {
  std::unique_lock lock(mu_);
  assert(taken_ < steps_);
  const auto slot = static_cast<size_t>(taken_) % slots_.size();
  if (options_.workers == 0) {
    lock.unlock();
    const double seconds = Fill(taken_, slots_[slot]);
    lock.lock();
    seconds_[slot] = seconds;
  } else {
    changed_.wait(lock, [&] { return ready_[slot]; });
    ready_[slot] = false;
  }
  ++taken_;
  return {static_cast<int>(slot), seconds_[slot]};
}

void BatchLoader::Release() {
  const std::lock_guard lock(mu_);
  assert(released_ < taken_);
  ++released_;
  changed_.notify_all();
}

void BatchLoader::Work(const std::stop_token& stop) {
  std::unique_lock lock(mu_);
  const auto has_work = [this] {
    return begun_ < steps_ && begun_ < released_ + static_cast<int>(slots_.size());
  };
  while (changed_.wait(lock, stop, has_work)) {
    if (stop.stop_requested()) return;
    const int batch = begun_++;
    const auto slot = static_cast<size_t>(batch) % slots_.size();
    lock.unlock();
    const double seconds = Fill(batch, slots_[slot]);
    lock.lock();
    seconds_[slot] = seconds;
    ready_[slot] = true;
    changed_.notify_all();
  }
}

double BatchLoader::Fill(int batch, const BatchBuffers& buffers) const {
  const double start = ThreadCpuSeconds();
  uint8_t planar[kImageBytes];
  const int begin = options_.share.begin(options_.batch_size);
  const int end = options_.share.end(options_.batch_size);
  for (int row = begin; row < end; ++row) {
    const auto position = static_cast<size_t>(batch) * static_cast<size_t>(options_.batch_size) +
                          static_cast<size_t>(row);
    const int image = order_[position];
    for (size_t view = 0; view < kViews; ++view) {
      const ViewDraw draw = DrawView(options_.seed, epoch_, image, view);
      uint8_t* out = buffers.views[view] + size_t{kImageBytes} * static_cast<size_t>(row - begin);
      if (options_.layout == PixelLayout::kPlanar) {
        MakeView(images_.image(image), draw, out);
      } else {
        MakeView(images_.image(image), draw, planar);
        Interleave(planar, out);
      }
    }
  }
  return ThreadCpuSeconds() - start;
}

}  // namespace laptime::trainer
