#include "proto/support/nearest.h"

#include <gtest/gtest.h>

namespace laptime {
namespace {

TEST(NearestTest, FindsWhatWasMeant) {
  EXPECT_EQ(Nearest("bach_size", {"epochs", "batch_size"}), "batch_size");
  EXPECT_EQ(Nearest("EPOCHS", {"epochs", "batch_size"}), "epochs");
}

TEST(NearestTest, SuggestsNothingForSomethingElse) {
  EXPECT_EQ(Nearest("zebra", {"epochs", "batch_size"}), std::nullopt);
  EXPECT_EQ(Nearest("x", {}), std::nullopt);
}

}  // namespace
}  // namespace laptime
