#include "proto/support/grpc_log.h"

#include <grpcpp/version_info.h>
#include <gtest/gtest.h>

#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 65
#include <grpc/support/log.h>
#endif

#include "tests/testing/kept_log.h"

namespace laptime {
namespace {

using std::chrono::seconds;

TEST(LineLimitTest, AdmitsSoManyAMinuteAndTellsHowManyItLeftOut) {
  LineLimit limit(2);
  const LineLimit::Time start{};
  EXPECT_EQ(limit.Admit(start), 0);
  EXPECT_EQ(limit.Admit(start + seconds(30)), 0);
  EXPECT_EQ(limit.Admit(start + seconds(31)), std::nullopt);
  EXPECT_EQ(limit.Admit(start + seconds(59)), std::nullopt);
  EXPECT_EQ(limit.Admit(start + seconds(60)), 2);
  EXPECT_EQ(limit.Admit(start + seconds(61)), 0);
  EXPECT_EQ(limit.Admit(start + seconds(62)), std::nullopt);
  EXPECT_EQ(limit.Admit(start + seconds(300)), 1);
}

#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 65
TEST(LimitGrpcLogTest, AThousandErrorsAreFewLines) {
  const testing::KeptLog log;
  LimitGrpcLog();
  gpr_log_verbosity_init();  // as the first use of gRPC does
  for (int i = 0; i < 1000; ++i) gpr_log(GPR_ERROR, "handshake %d failed", i);
  EXPECT_EQ(log.Count("[error] gRPC: handshake 0 failed"), 1);
  EXPECT_EQ(log.Count("gRPC"), kGrpcLinesPerMinute);
}
#endif

}  // namespace
}  // namespace laptime
