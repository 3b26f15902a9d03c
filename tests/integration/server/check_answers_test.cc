// Who counts as answering on a port, for the coordinator's probe of its own.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "proto/support/pinned_authority.h"
#include "tests/testing/status_matchers.h"

namespace laptime {
namespace {

using testing::StatusIs;

// A port on loopback that takes connections into the kernel's queue; nobody accepts them.
class Port {
 public:
  Port() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address_);
    auto* const raw = reinterpret_cast<sockaddr*>(&address_);
    EXPECT_EQ(bind(fd_, raw, size), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
    EXPECT_EQ(getsockname(fd_, raw, &size), 0);
  }
  ~Port() { close(fd_); }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  std::string name() const { return "127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }
  void EndOne(bool by_reset) const {
    const int taken = accept(fd_, nullptr, nullptr);
    const linger hard{.l_onoff = by_reset ? 1 : 0, .l_linger = 0};
    EXPECT_EQ(setsockopt(taken, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    close(taken);
  }

 private:
  const int fd_;
  sockaddr_in address_{};
};

class CheckAnswersTest : public ::testing::TestWithParam<bool> {};

TEST_P(CheckAnswersTest, NobodyAnswersWhereNobodyAccepts) {
  const Port port;
  EXPECT_THAT(CheckAnswers(port.name(), GetParam(), std::chrono::milliseconds(200)),
              StatusIs(absl::StatusCode::kUnavailable, ::testing::_));
}

TEST_P(CheckAnswersTest, WhoEndsAConnectionHasAcceptedIt) {
  const Port port;
  constexpr int kTimes = 200;  // before the client's first word, or after it
  const std::jthread server([&port] {
    for (int i = 0; i < kTimes; ++i) port.EndOne(i % 2 == 1);
  });
  for (int i = 0; i < kTimes; ++i)
    EXPECT_OK(CheckAnswers(port.name(), GetParam(), std::chrono::minutes(1)));
}

INSTANTIATE_TEST_SUITE_P(PlainAndTls, CheckAnswersTest, ::testing::Bool());

}  // namespace
}  // namespace laptime
