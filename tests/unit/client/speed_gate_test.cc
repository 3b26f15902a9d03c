#include "client/speed_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/exit_codes.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

TEST(SpeedGateTest, TheWholeIntervalMustLieBeyond) {
  const auto comparison = FromText<v1::Comparison>("ratio: 1.08 low: 1.05 high: 1.11");
  EXPECT_TRUE(IsSlower(comparison, 0).value_or(false));
  EXPECT_TRUE(IsSlower(comparison, 4.9).value_or(false));
  EXPECT_FALSE(IsSlower(comparison, 5.1).value_or(true));
}

TEST(SpeedGateTest, WithoutAnIntervalNothingPasses) {
  const auto one_run = IsSlower(FromText<v1::Comparison>("ratio: 0.5 n_a: 1 n_b: 1"), 5);
  EXPECT_THAT(one_run, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("two runs")));
  EXPECT_EQ(ExitCodeFor(one_run.status()), kExitFailure);
  EXPECT_THAT(IsSlower(v1::Comparison(), 5),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("other work")));
}

}  // namespace
}  // namespace laptime::client
