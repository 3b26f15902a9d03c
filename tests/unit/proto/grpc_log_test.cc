#include "proto/support/grpc_log.h"

#include <grpcpp/version_info.h>
#include <gtest/gtest.h>

#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 65
#include <grpc/support/log.h>
#endif

#include "tests/testing/kept_log.h"

namespace laptime {
namespace {

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
