#include "proto/support/channel.h"

#include <gtest/gtest.h>

namespace laptime {
namespace {

TEST(ChannelTest, VersionsOneApartSpeakTheOlderProtocol) {
  EXPECT_EQ(CommonProtocol(/*theirs=*/7, /*ours=*/7), 7);
  EXPECT_EQ(CommonProtocol(6, 7), 6);
  EXPECT_EQ(CommonProtocol(8, 7), 7);
  EXPECT_EQ(CommonProtocol(5, 7), std::nullopt);
  EXPECT_EQ(CommonProtocol(9, 7), std::nullopt);
  EXPECT_EQ(CommonProtocol(0, 1), std::nullopt);  // not said: no agent of ours
  EXPECT_EQ(CommonProtocol(-1, 0), std::nullopt);
}

TEST(ChannelTest, KnowsLoopbackInEveryNotation) {
  for (const char* address :
       {"127.0.0.1:7440", "127.9.9.9:1", "localhost:7440", "[::1]:7440", "unix:/tmp/x",
        "ipv4:127.0.0.1:5000", "ipv6:[::1]:5000", "ipv6:%5B::1%5D:5000"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
}

TEST(ChannelTest, TakesNothingElseForLoopback) {
  for (const char* address :
       {"0.0.0.0:7440", "[::]:7440", "192.168.1.2:7440", "localhost.example.org:1",
        "ipv4:10.0.0.1:5000", "1127.0.0.1:1", "127.lab.example:7440", "127.0.0.1.lab.example:1",
        "[::1].lab.example:1", "::1:7440", ""}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

TEST(ChannelTest, ServerAcceptsPingsAsOftenAsClientsSendThem) {
  EXPECT_LT(kKeepaliveAccepted, kKeepalivePing);
  EXPECT_LT(kHeartbeat * 2, kLease);
}

}  // namespace
}  // namespace laptime
