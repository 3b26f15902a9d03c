#include "proto/support/sha256.h"

#include <gtest/gtest.h>

namespace laptime {
namespace {

// FIPS 180-2, appendix B.1.
constexpr char kOfAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256Test, HashesABlockAndPiecesAlike) {
  EXPECT_EQ(Sha256Hex("abc"), kOfAbc);
  Sha256Digest digest;
  digest.Update("a", 1);
  digest.Update("bc", 2);
  EXPECT_EQ(digest.Finish(), kOfAbc);
}

}  // namespace
}  // namespace laptime
