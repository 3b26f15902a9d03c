#include "server/software_segment.h"

#include <gtest/gtest.h>

namespace laptime {
namespace {

constexpr char kSnapshot[] = R"({"host":{"os":"Debian 12","kernel":"6.1"},"driver":{"nvidia":"550"},
  "device":{"model":"NVIDIA A6000"},"trainer":{"versions":{"libtorch":"2.11.0","laptime":"0.1.0"}}})";

TEST(SoftwareSegmentTest, SaysTheSoftwareForPeople) {
  EXPECT_EQ(SegmentOf(kSnapshot).software,
            "Debian 12, kernel 6.1, NVIDIA driver 550, LibTorch 2.11.0, laptime 0.1.0, on NVIDIA "
            "A6000");
}

TEST(SoftwareSegmentTest, AChangedDriverIsAnotherSegment) {
  std::string changed = kSnapshot;
  changed.replace(changed.find("550"), 3, "560");
  EXPECT_EQ(SegmentOf(kSnapshot).name.size(), 12);
  EXPECT_NE(SegmentOf(kSnapshot).name, SegmentOf(changed).name);
}

TEST(SoftwareSegmentTest, OtherFactsDoNotMatter) {
  std::string changed = kSnapshot;
  changed.insert(1, R"("dataset":{"name":"cifar10"},)");
  EXPECT_EQ(SegmentOf(kSnapshot).name, SegmentOf(changed).name);
}

TEST(SoftwareSegmentTest, NothingKnownIsNoSegment) {
  EXPECT_EQ(SegmentOf("{}").name, "");
  EXPECT_EQ(SegmentOf("no JSON").name, "");
  EXPECT_EQ(SegmentOf(R"({"host":{"os":7}})").name, "");
}

}  // namespace
}  // namespace laptime
