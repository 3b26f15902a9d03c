#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define LAPTIME_CONCATENATE(a, b) a##b  // NOLINT(bugprone-macro-parentheses): pastes
#define LAPTIME_JOIN(a, b) LAPTIME_CONCATENATE(a, b)

#define EXPECT_OK(expression) EXPECT_THAT((expression), ::laptime::testing::IsOk())
#define ASSERT_OK(expression) ASSERT_THAT((expression), ::laptime::testing::IsOk())
// NOLINTBEGIN(bugprone-macro-parentheses): `declaration` is one.
#define ASSERT_OK_AND_ASSIGN(declaration, expression)                                   \
  auto LAPTIME_JOIN(status_or_, __LINE__) = (expression);                               \
  ASSERT_THAT(LAPTIME_JOIN(status_or_, __LINE__).status(), ::laptime::testing::IsOk()); \
  declaration = std::move(LAPTIME_JOIN(status_or_, __LINE__)).value()
// NOLINTEND(bugprone-macro-parentheses)

namespace laptime::testing {

inline absl::Status StatusOf(const absl::Status& status) { return status; }
template <typename T>
absl::Status StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

// StatusIs(absl::StatusCode::kNotFound, HasSubstr("job 7f"))
MATCHER_P2(StatusIs, code, message, "") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code &&
         ::testing::Matches(message)(std::string(StatusOf(arg).message()));
}

}  // namespace laptime::testing
