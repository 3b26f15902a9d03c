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

TEST(StatusTest, OkStaysOk) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
}

TEST(StatusTest, NoHintIsEmpty) { EXPECT_EQ(HintOf(absl::NotFoundError("x")), ""); }

}  // namespace
}  // namespace laptime
