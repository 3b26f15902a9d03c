#include "agent/trainer/labelled_feed.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include "agent/trainer/dataset.h"
#include "agent/trainer/random_stream.h"
#include "agent/trainer/sampler.h"

namespace laptime::trainer {
namespace {

constexpr uint64_t kDataSeed = 1;
constexpr int kPatches = 8;  // a class's pattern is so many coloured squares wide and high
constexpr int kPatternRange = 192;
constexpr uint64_t kNoise = 64;  // a power of two

// Bytes of one image, plane by plane.
void Paint(int label, int image, int side, uint8_t* bytes) {
  RandomStream pattern(RandomUse::kSyntheticClass, {kDataSeed, static_cast<uint64_t>(label)});
  RandomStream noise(RandomUse::kSyntheticTrain, {kDataSeed, static_cast<uint64_t>(image)});
  uint8_t colours[kChannels][kPatches][kPatches];
  for (auto& plane : colours) {
    for (auto& row : plane) {
      for (uint8_t& colour : row) colour = static_cast<uint8_t>(pattern.Below(kPatternRange));
    }
  }
  uint64_t bits = 0;
  int left = 0;
  for (const auto& plane : colours) {
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        if (left == 0) {
          bits = noise.Next();
          left = 8;
        }
        *bytes++ = static_cast<uint8_t>(plane[y * kPatches / side][x * kPatches / side] +
                                        (bits & (kNoise - 1)));
        bits >>= 8;
        --left;
      }
    }
  }
}

}  // namespace

LabelledFeed::LabelledFeed(const Workload& workload, int image_side, const Device& device,
                           const RankShare& share)
    : device_(device),
      batch_size_(workload.batch_size),
      share_(share),
      seed_(workload.seed),
      normalize_(device),
      images_(at::empty({workload.train_images, kChannels, image_side, image_side}, at::kByte)),
      labels_(at::empty({workload.train_images}, at::kLong)) {
  const int64_t image_bytes = images_[0].numel();
  for (int i = 0; i < workload.train_images; ++i) {
    RandomStream random(RandomUse::kSyntheticLabel, {kDataSeed, static_cast<uint64_t>(i)});
    const int label = random.Below(kClassesOfImageNet);
    labels_.mutable_data_ptr<int64_t>()[i] = label;
    Paint(label, i, image_side, images_.mutable_data_ptr<uint8_t>() + i * image_bytes);
  }
  images_ = images_.to(device.torch()).contiguous(device.memory_format());
  labels_ = labels_.to(device.torch());
}

void LabelledFeed::StartEpoch(int epoch, int /*steps*/) {
  order_ = at::tensor(ShuffledIndices(static_cast<int>(labels_.size(0)), seed_, epoch))
               .to(at::kLong)
               .to(device_.torch());
  next_ = 0;
}

TrainBatch LabelledFeed::Next(LapClock& clock) {
  clock.Enter(Phase::kLoadWait);
  const int begin = share_.begin(batch_size_);
  const at::Tensor rows =
      order_.narrow(0, int64_t{next_++} * batch_size_ + begin, share_.end(batch_size_) - begin);
  clock.Enter(Phase::kHostToDevice);
  return {{normalize_(images_.index_select(0, rows))}, labels_.index_select(0, rows)};
}

}  // namespace laptime::trainer
