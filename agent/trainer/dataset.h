#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace laptime::trainer {

inline constexpr int kImageSide = 32;
inline constexpr int kPlaneBytes = kImageSide * kImageSide;
inline constexpr int kChannels = 3;
inline constexpr int kImageBytes = kChannels * kPlaneBytes;
inline constexpr int kClasses = 10;
inline constexpr int kClassesOfImageNet = 1000;  // of the classifiers

// 32x32 colour images as CIFAR-10 has them: R, G and B plane of 1,024 bytes each, and a label 0
// … 9.
struct ImageSet {
  std::vector<uint8_t> pixels;  // kImageBytes an image
  std::vector<uint8_t> labels;

  int size() const { return static_cast<int>(labels.size()); }
  const uint8_t* image(int index) const {
    // cppcheck-suppress CastIntegerToAddressAtReturn; it takes the pointer for a number
    return pixels.data() + size_t{kImageBytes} * static_cast<size_t>(index);
  }
};

struct Dataset {
  ImageSet train;  // also the bank of the kNN evaluation
  ImageSet eval;
};

// Reads the first `train_images` and `eval_images` of CIFAR-10's binary version from `data_dir` or
// from `data_dir`/cifar-10-batches-bin. All six files must be there in full, also those that a
// limit leaves unread. Throws TrainerError (setup) naming the file, what was expected and what was
// found.
Dataset ReadCifar10(const std::filesystem::path& data_dir, int train_images, int eval_images);

}  // namespace laptime::trainer
