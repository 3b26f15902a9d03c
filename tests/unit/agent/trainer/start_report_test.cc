#include "agent/trainer/start_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace laptime::trainer {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class StartReportTest : public ::testing::Test {
 protected:
  StartReportTest() {
    const auto spec = ResolveWorkload("simclr-synthetic-cifar10", {{"train_images", "1280"}});
    config_.workload = TypedWorkload(std::get<WorkloadSpec>(spec));
    report_ = MakeStartReport(config_, Device::Open("cpu"), model_, {{"allocator", "kept"}});
  }

  TrainConfig config_;
  Model model_{1};
  StartReport report_;
};

TEST_F(StartReportTest, TellsTheFactsAsAnEvent) {
  const json body = ToJson(report_);
  EXPECT_EQ(body.at("trainable_parameters"), 11497792);
  EXPECT_NEAR(body.at("model_megabytes").get<double>(), 45.991, 0.001);
  EXPECT_EQ(body.at("modules")[0].at("parameters"), 11168832);
  EXPECT_EQ(body.at("modules")[1].at("type"), "SimCLRProjectionHead");
  EXPECT_EQ(body.at("accelerators")[0], "cpu");
  EXPECT_EQ(body.at("train_images"), 1280);
  EXPECT_EQ(body.at("steps_per_epoch"), 10);
  EXPECT_EQ(body.at("config").at("dataset"), "synthetic-cifar10");
  EXPECT_EQ(body.at("flags").at("allocator"), "kept");
  EXPECT_EQ(body.at("flags").at("memory_format"), "channels_last");
  for (const char* name :
       {"laptime", "libtorch", "onednn", "compiler", "os", "cxx_runtime", "cpu_capability"}) {
    EXPECT_TRUE(body.at("versions").contains(name)) << name;
  }
}

TEST_F(StartReportTest, OpensTheLogAsPeopleKnowIt) {
  const std::string text = ToText(report_);
  EXPECT_THAT(text, HasSubstr("GPU available: "));
  EXPECT_THAT(text, HasSubstr("used: False"));
  EXPECT_THAT(text, HasSubstr("11,168,832"));
  EXPECT_THAT(text, HasSubstr("11,497,792 trainable params"));
  EXPECT_THAT(text, HasSubstr("45.991 total estimated model params size (MB)"));
}

}  // namespace
}  // namespace laptime::trainer
