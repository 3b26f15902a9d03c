#include "client/exit_codes.h"

#include <gtest/gtest.h>

namespace laptime::client {
namespace {

TEST(ExitCodesTest, FollowTheTable) {
  EXPECT_EQ(ExitCodeFor(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeFor(absl::InternalError("")), 1);
  EXPECT_EQ(ExitCodeFor(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitCodeFor(absl::NotFoundError("")), 3);
  EXPECT_EQ(ExitCodeFor(absl::PermissionDeniedError("")), 4);
  EXPECT_EQ(ExitCodeFor(absl::UnauthenticatedError("")), 4);
  EXPECT_EQ(ExitCodeFor(absl::UnavailableError("")), 5);
  EXPECT_EQ(ExitCodeFor(absl::DeadlineExceededError("")), 124);
  EXPECT_EQ(ExitCodeFor(absl::CancelledError("")), 130);
}

TEST(ExitCodesTest, OnlyAFailedPreconditionAboutDevicesIsSix) {
  EXPECT_EQ(ExitCodeFor(absl::FailedPreconditionError("no device matches 'kind=mps'\nhint")), 6);
  EXPECT_EQ(ExitCodeFor(absl::FailedPreconditionError("job 7f: no device matches")), 1);
}

TEST(ExitCodesTest, SayHowAJobEnded) {
  EXPECT_EQ(ExitCodeFor(v1::JOB_STATE_SUCCEEDED), 0);
  EXPECT_EQ(ExitCodeFor(v1::JOB_STATE_FAILED), 7);
  EXPECT_EQ(ExitCodeFor(v1::JOB_STATE_CANCELLED), 8);
}

TEST(ExitCodesTest, SayHowARunEnded) {
  EXPECT_EQ(ExitCodeFor(v1::RUN_STATE_SUCCEEDED), 0);
  EXPECT_EQ(ExitCodeFor(v1::RUN_STATE_FAILED), 7);
  EXPECT_EQ(ExitCodeFor(v1::RUN_STATE_CANCELLED), 8);
  EXPECT_EQ(ExitCodeFor(v1::RUN_STATE_LOST), 8);
}

}  // namespace
}  // namespace laptime::client
