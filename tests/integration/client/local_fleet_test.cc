#include "client/local_fleet.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::client {
namespace {

using ::laptime::testing::StatusIs;
using ::laptime::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Shell scripts stand in for the two programs.
class LocalFleetTest : public ::testing::Test {
 protected:
  void Write(const std::string& program, const std::string& script) {
    std::ofstream(dir_.File(program)) << "#!/bin/sh\n" << script;
    std::filesystem::permissions(dir_.File(program), std::filesystem::perms::owner_all);
  }

  LocalFleet::Options Options() {
    LocalFleet::Options options;
    options.program_directory = dir_.path();
    options.state = dir_.File("state");
    options.port = 0;
    return options;
  }

  const TempDir dir_;
};

TEST_F(LocalFleetTest, ReadsTheAddressThatTheServerTells) {
  Write("laptime-server", "echo \"$@\" >&2\necho listening on 127.0.0.1:4242\nexec sleep 1000\n");
  LocalFleet fleet(Options(), [] {});
  ASSERT_OK(fleet.Prepare());
  const auto address = fleet.StartServer({});
  ASSERT_OK(address);
  EXPECT_EQ(*address, "127.0.0.1:4242");
  EXPECT_OK(fleet.Health());
  EXPECT_EQ(std::filesystem::status(dir_.File("state")).permissions(),
            std::filesystem::perms::owner_all);
  std::ifstream log(dir_.File("state/server.log"));
  std::string arguments;
  std::getline(log, arguments);
  EXPECT_EQ(arguments, "serve --state " + dir_.File("state") + " --port 0 --parent-pid " +
                           std::to_string(getpid()));
}

TEST_F(LocalFleetTest, RelaysTheServersOwnError) {
  Write("laptime-server",
        "echo 'error: cannot listen: the port is in use' >&2\necho 'hint: --port 0' >&2\nexit 1\n");
  LocalFleet fleet(Options(), [] {});
  ASSERT_OK(fleet.Prepare());
  EXPECT_THAT(fleet.StartServer({}),
              StatusIs(absl::StatusCode::kInternal,
                       AllOf(HasSubstr("laptime-server: cannot listen: the port is in use"),
                             HasSubstr("\n--port 0"))));
}

TEST_F(LocalFleetTest, NamesThePartThatDiedAndItsLastLines) {
  Write("laptime-server", "echo listening on 127.0.0.1:4242\nexec sleep 1000\n");
  Write("laptime-agent", "echo attached >&2\nkill -9 $$\n");
  std::stop_source ended;
  LocalFleet fleet(Options(), [&ended] { ended.request_stop(); });
  ASSERT_OK(fleet.Prepare());
  ASSERT_OK(fleet.StartServer({}));
  ASSERT_OK(fleet.StartAgent("127.0.0.1:4242"));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (fleet.Health().ok() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_THAT(fleet.Health(),
              StatusIs(absl::StatusCode::kInternal,
                       HasSubstr("laptime-agent ended by itself (killed by signal 9)")));
  EXPECT_EQ(fleet.LastLines(), "attached\n");
}

TEST_F(LocalFleetTest, StateThatCannotBeMadeIsNamed) {
  std::ofstream(dir_.File("file")) << "x";
  LocalFleet::Options options = Options();
  options.state = dir_.File("file/state");
  LocalFleet fleet(options, [] {});
  EXPECT_THAT(fleet.Prepare(),
              StatusIs(absl::StatusCode::kInternal,
                       AllOf(HasSubstr(dir_.File("file/state")), HasSubstr("--state"))));
}

TEST_F(LocalFleetTest, SetsALargeLogAside) {
  Write("laptime-server", "echo listening on 127.0.0.1:4242\nexec sleep 1000\n");
  LocalFleet fleet(Options(), [] {});
  ASSERT_OK(fleet.Prepare());
  std::ofstream(dir_.File("state/server.log")) << std::string(kLargestLog + 1, 'x');
  ASSERT_OK(fleet.StartServer({}));
  EXPECT_EQ(std::filesystem::file_size(dir_.File("state/server.log.1")), kLargestLog + 1);
  EXPECT_EQ(std::filesystem::file_size(dir_.File("state/server.log")), 0u);
}

}  // namespace
}  // namespace laptime::client
