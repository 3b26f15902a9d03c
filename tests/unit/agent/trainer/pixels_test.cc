#include "agent/trainer/pixels.h"

#include <gtest/gtest.h>

#include "agent/trainer/synthetic.h"

namespace laptime::trainer {
namespace {

TEST(PixelsTest, NormalizesWithImageNetsStatistics) {
  const Device device = Device::Open("cpu");
  const ImageSet images = GenerateSyntheticCifar10(2, 0).train;
  const at::Tensor bytes = ImagesOn(images, device);
  const at::Tensor normal = Normalizer(device)(bytes);
  EXPECT_EQ(normal.scalar_type(), at::kFloat);
  EXPECT_TRUE(normal.is_contiguous(at::MemoryFormat::ChannelsLast));
  const float mean[] = {0.485f, 0.456f, 0.406f};
  const float deviation[] = {0.229f, 0.224f, 0.225f};
  for (int channel = 0; channel < kChannels; ++channel) {
    const float byte = images.image(1)[channel * kPlaneBytes + 5 * kImageSide + 9];
    EXPECT_EQ(normal[1][channel][5][9].item<float>(),
              (byte / 255.0f - mean[channel]) / deviation[channel]);
  }
}

TEST(PixelsTest, KeepsLabels) {
  const ImageSet images = GenerateSyntheticCifar10(3, 0).train;
  const at::Tensor labels = LabelsOn(images, Device::Open("cpu"));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(labels[i].item<int64_t>(), images.labels[static_cast<size_t>(i)]);
}

}  // namespace
}  // namespace laptime::trainer
