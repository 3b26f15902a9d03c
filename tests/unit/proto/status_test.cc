#include "proto/support/status.h"

#include <gtest/gtest.h>

namespace laptime {
namespace {

TEST(StatusTest, SurvivesTheWayOverTheWire) {
  const absl::Status sent =
      WithHint(absl::StatusCode::kNotFound, "run 7f: no such run", "laptime run list");
  const absl::Status received = FromGrpc(ToGrpc(sent));
  EXPECT_EQ(received, sent);
  EXPECT_EQ(MessageOf(received), "run 7f: no such run");
  EXPECT_EQ(HintOf(received), "laptime run list");
}

// Longer ones than a call's metadata may be would not come through at all.
TEST(StatusTest, AMessageThatQuotesTooMuchIsCut) {
  std::string quoted;
  for (int i = 0; i < 1000; ++i) quoted += "\xC3\xA4";
  const std::string hint = "laptime workload show";
  const grpc::Status sent =
      ToGrpc(WithHint(absl::StatusCode::kInvalidArgument, "epochs: 'x" + quoted + "'", hint));
  EXPECT_LT(3 * sent.error_message().size(), 8 * 1024);
  const absl::Status received = FromGrpc(sent);
  EXPECT_EQ(MessageOf(received).substr(0, 10), "epochs: 'x");
  EXPECT_EQ(MessageOf(received).substr(MessageOf(received).size() - 5), "\xC3\xA4…");
  EXPECT_EQ(HintOf(received), hint);
}

TEST(StatusTest, OkStaysOk) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
}

TEST(StatusTest, NoHintIsEmpty) { EXPECT_EQ(HintOf(absl::NotFoundError("x")), ""); }

}  // namespace
}  // namespace laptime
