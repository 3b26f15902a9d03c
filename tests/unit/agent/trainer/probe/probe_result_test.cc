#include "agent/trainer/probe/probe_result.h"

#include <gtest/gtest.h>

namespace laptime::trainer {
namespace {

Capability Cell() {
  Capability cell;
  cell.precision = "bf16";
  cell.feature = "training";
  cell.compared_with = "training in fp32";
  return cell;
}

TEST(ProbeResultTest, SlowerIsWhatIsSlowerByMoreThanNoise) {
  EXPECT_EQ(Measured(Cell(), 1.02, 1.0).state, CapabilityState::kWorks);
  EXPECT_EQ(Measured(Cell(), 1.04, 1.0).state, CapabilityState::kSlower);
  EXPECT_EQ(Measured(Cell(), 1.04, std::nullopt).state, CapabilityState::kWorks);
}

TEST(ProbeResultTest, IsToldInTheWireSNames) {
  const nlohmann::json works = ToJson(Measured(Cell(), 0.5, 1.0));
  EXPECT_EQ(works.at("state"), "CAPABILITY_STATE_WORKS");
  EXPECT_EQ(works.at("compared_seconds"), 1.0);
  const nlohmann::json fails = ToJson(Failed(Cell(), "no such kernel"));
  EXPECT_EQ(fails.at("state"), "CAPABILITY_STATE_FAILS");
  EXPECT_EQ(fails.at("reason"), "no such kernel");
  EXPECT_FALSE(fails.contains("seconds"));
  EXPECT_EQ(ToJson(Cell()).at("state"), "CAPABILITY_STATE_NOT_MEASURED");
  PeakRate rate{"matmul", "float16", "FLOP/s", std::nullopt, "not implemented"};
  EXPECT_FALSE(ToJson(rate).contains("per_second"));
  rate.per_second = 2e12;
  EXPECT_EQ(ToJson(rate).at("per_second"), 2e12);
}

TEST(ProbeResultTest, ReadsAsASentence) {
  EXPECT_EQ(ToText(Measured(Cell(), 0.66, 1.38)),
            "bf16 training: works, 660 ms (training in fp32 1380 ms)");
  EXPECT_EQ(ToText(Failed(Cell(), "no such kernel")), "bf16 training: fails (no such kernel)");
  EXPECT_EQ(ToText(PeakRate{"copy", "uint8", "B/s", 2e10, ""}), "copy of uint8: 20.0 GB/s");
}

}  // namespace
}  // namespace laptime::trainer
