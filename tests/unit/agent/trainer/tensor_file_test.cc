#include "agent/trainer/tensor_file.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "agent/trainer/failure.h"
#include "tests/testing/temp_dir.h"

namespace laptime::trainer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TensorFileTest : public ::testing::Test {
 protected:
  TensorFile With(const NamedTensors& tensors) {
    WriteTensors(file_, tensors);
    return TensorFile::Read(file_);
  }

  template <typename Action>
  static std::string ErrorOf(const Action& action) {
    try {
      action();
    } catch (const TrainerError& error) {
      EXPECT_EQ(error.cause(), FailureCause::kSetup);
      EXPECT_FALSE(error.hint().empty());
      return error.what();
    }
    return "no error";
  }

  const testing::TempDir dir_;
  const std::string file_ = dir_.File("file");
};

TEST_F(TensorFileTest, GivesBackWhatWasWritten) {
  const at::Tensor image = at::randn({2, 3, 4, 4}).contiguous(at::MemoryFormat::ChannelsLast);
  const TensorFile file = With({{"image", image}, {"state/b", at::ones({1})}, {"state/a", image}});
  const at::Tensor read = file.Get("image", at::kFloat, {kAnySize, 3, 4, 4});
  EXPECT_TRUE(read.equal(image));
  EXPECT_TRUE(read.is_contiguous());
  EXPECT_THAT(file.NamesUnder("state/"), ElementsAre("a", "b"));
  EXPECT_EQ(file.FloatTypeOf("image"), at::kFloat);
}

TEST_F(TensorFileTest, SaysWhatIsMissingOrOfAnotherKind) {
  const TensorFile file = With({{"crop", at::ones({3, 4})}, {"flip", at::ones({3}, at::kBool)}});
  EXPECT_THAT(ErrorOf([&] { file.Get("order", at::kLong, {3}); }),
              AllOf(HasSubstr(file_), HasSubstr("order is missing")));
  EXPECT_THAT(ErrorOf([&] {
                file.Get("crop", at::kLong, {kAnySize, 4});
              }),
              HasSubstr("crop must be int64 [any,4], but is float32 [3,4]"));
  EXPECT_THAT(ErrorOf([&] {
                file.Get("crop", at::kFloat, {3, 5});
              }),
              HasSubstr("crop must be float32 [3,5]"));
  EXPECT_THAT(ErrorOf([&] { file.FloatTypeOf("flip"); }),
              HasSubstr("flip must be float32 or float64, but is bool"));
}

TEST_F(TensorFileTest, RefusesWhatIsNoSuchFile) {
  const auto read = [&] { TensorFile::Read(file_); };
  EXPECT_THAT(ErrorOf(read), AllOf(HasSubstr("cannot read"), HasSubstr("No such file")));
  std::ofstream(file_) << "a text";
  EXPECT_THAT(ErrorOf(read), HasSubstr("LibTorch cannot read it"));
  WriteTensor(file_, at::ones({1}));
  EXPECT_THAT(ErrorOf(read), HasSubstr("holds no dict of tensors"));
  EXPECT_THAT(ErrorOf([] { TensorFile::Read("/"); }), HasSubstr("cannot read /"));
}

TEST_F(TensorFileTest, SaysThatItCannotWrite) {
  EXPECT_THAT(ErrorOf([] { WriteTensor("/nowhere/at/all", at::ones({1})); }),
              AllOf(HasSubstr("cannot write /nowhere/at/all"), HasSubstr("No such file")));
}

}  // namespace
}  // namespace laptime::trainer
