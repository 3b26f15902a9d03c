#include "agent/certificate_renewal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include "proto/support/durable_file.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

void AwaitCondition(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_TRUE(condition());
}

// A coordinator that counts the certificates it gives: each good for six seconds.
class CertificateRenewalTest : public ::testing::Test {
 protected:
  Identity Given() {
    Identity identity;
    identity.server = "there:7440";
    identity.security = {"authority", "certificate " + std::to_string(++given_), "key", ""};
    identity.issued_unix_ms = UnixMs(clock_.WallNow());
    identity.expires_unix_ms = identity.issued_unix_ms + kLifetimeMs;
    return identity;
  }
  bool IsSaved(const std::string& certificate) const {
    const auto text = ReadSmallFile(IdentityPath(state_), 1 << 16);
    return text && text->find(certificate) != std::string::npos;
  }

  static constexpr int64_t kLifetimeMs = 6000;  // short, so that what failed is soon tried again
  const testing::TempDir dir_;
  const std::filesystem::path state_ = dir_.path() / "state";
  testing::FakeClock clock_;
  std::atomic<int> given_ = 0;
};

TEST_F(CertificateRenewalTest, AsksWhenTwoThirdsAreOverAndSaves) {
  std::filesystem::create_directory(state_);
  const Identity first = Given();
  clock_.Advance(std::chrono::seconds(5));
  CertificateRenewal renewal(state_, first, clock_,
                             [&](const Identity& old, int64_t now, const std::stop_token&) {
                               EXPECT_EQ(old.security.certificate, "certificate 1");
                               EXPECT_EQ(now, UnixMs(clock_.WallNow()));
                               return Given();
                             });
  AwaitCondition([&] { return IsSaved("certificate 2"); });
  EXPECT_EQ(renewal.security().certificate, "certificate 2");
}

// The coordinator gives a machine so many and no more: one that cannot be written counts.
TEST_F(CertificateRenewalTest, WhatCannotBeSavedIsInForceAndAskedForOnce) {
  const Identity first = Given();
  clock_.Advance(std::chrono::seconds(5));
  CertificateRenewal renewal(
      state_, first, clock_,
      [&](const Identity&, int64_t, const std::stop_token&) { return Given(); });
  AwaitCondition([&] { return renewal.security().certificate == "certificate 2"; });
  EXPECT_FALSE(IsSaved("certificate"));
  std::filesystem::create_directory(state_);  // there is space again
  AwaitCondition([&] { return IsSaved("certificate 2"); });
  EXPECT_EQ(given_, 2);
}

TEST_F(CertificateRenewalTest, AnAgentThatEndsDoesNotWaitForTheCoordinator) {
  const Identity first = Given();
  clock_.Advance(std::chrono::seconds(5));
  std::atomic<bool> asked = false;
  {
    const CertificateRenewal renewal(
        state_, first, clock_,
        [&](const Identity&, int64_t, const std::stop_token& stop) -> absl::StatusOr<Identity> {
          asked = true;
          while (!stop.stop_requested()) std::this_thread::yield();
          return absl::CancelledError("stopped");
        });
    AwaitCondition([&] { return asked.load(); });
  }
  EXPECT_EQ(given_, 1);
}

}  // namespace
}  // namespace laptime::agent
