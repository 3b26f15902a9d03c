#include "agent/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "proto/support/status.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

absl::StatusOr<ConfigFile> Read(const std::string& text) {
  const testing::TempDir dir;
  std::ofstream(dir.File("agent.toml")) << text;
  return ReadConfigFile(dir.File("agent.toml"));
}

TEST(ReadConfigFileTest, ReadsEveryKey) {
  ASSERT_OK_AND_ASSIGN(const ConfigFile config, Read(R"(
server = "10.0.0.1:7440"
name = "box"
state = "/var/lib/laptime"
data = "/data"
run_in_parallel = true
stall_timeout = "90s"
[[device]]
name = "cpu-1t"
kind = "cpu"
threads = 1
[[device]]
name = "big"
kind = "cuda"
index = 3
)"));
  EXPECT_EQ(config.server, "10.0.0.1:7440");
  EXPECT_EQ(config.name, "box");
  EXPECT_EQ(config.state, "/var/lib/laptime");
  EXPECT_EQ(config.data, "/data");
  EXPECT_EQ(config.run_in_parallel, true);
  EXPECT_EQ(config.stall_timeout, std::chrono::seconds(90));
  ASSERT_EQ(config.devices.size(), 2u);
  EXPECT_EQ(config.devices[0].name, "cpu-1t");
  EXPECT_EQ(config.devices[0].threads, 1);
  EXPECT_EQ(config.devices[1].kind, v1::DEVICE_KIND_CUDA);
  EXPECT_EQ(config.devices[1].index, 3);
}

TEST(ReadConfigFileTest, LeavesAbsentWhatIsNotSaid) {
  ASSERT_OK_AND_ASSIGN(const ConfigFile config, Read(""));
  EXPECT_FALSE(config.server);
  EXPECT_FALSE(config.stall_timeout);
  EXPECT_TRUE(config.devices.empty());
}

// What is wrong, in which line, and what would be right.
struct Wrong {
  std::string text, message, hint;
};

TEST(ReadConfigFileTest, SaysWhatIsWrongAndWhere) {
  const std::vector<Wrong> cases = {
      {"\nservr = \"x\"", "agent.toml:2: unknown key 'servr'", "did you mean 'server'?"},
      {"server = 7440", "agent.toml:1: server has a wrong value", "takes a text"},
      {"run_in_parallel = 1", "run_in_parallel has a wrong value", "true or false"},
      {"stall_timeout = 600", "stall_timeout has a wrong value", "10m"},
      {"stall_timeout = \"-3s\"", "stall_timeout has a wrong value", "10m"},
      {"name = ", "agent.toml:1: ", "TOML"},
      {"device = 3", "device has a wrong value", "[[device]]"},
      {"[[device]]\nname = \"a\"", "needs a name and a kind", "cpu-1t"},
      {"[[device]]\nname = \"../a\"\nkind = \"cpu\"", "needs a name and a kind", "letters"},
      {"[[device]]\nname = \"a\"\nkind = \"tpu\"", "agent.toml:3: kind has a wrong value",
       "\"cuda\""},
      {"[[device]]\nname = \"a\"\nkind = \"cpu\"\nthreads = 0", "agent.toml:4: threads",
       "from 1 to 1024"},
      {"[[device]]\nname = \"a\"\nkind = \"cpu\"\nthread = 1", "unknown key 'thread'", "'threads'"},
  };
  for (const Wrong& wrong : cases) {
    const absl::Status status = Read(wrong.text).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(wrong.message)))
        << wrong.text;
    EXPECT_THAT(HintOf(status), HasSubstr(wrong.hint)) << wrong.text;
    EXPECT_EQ(std::ranges::count(std::string(status.message()), '\n'), 1) << wrong.text;
  }
}

TEST(ParseDurationTest, TakesANumberAndAUnit) {
  EXPECT_EQ(ParseDuration("250ms"), std::chrono::milliseconds(250));
  EXPECT_EQ(ParseDuration("10m"), std::chrono::minutes(10));
  EXPECT_EQ(ParseDuration("2h"), std::chrono::hours(2));
  for (const char* bad :
       {"", "10", "m", "0s", "-1s", "1.5s", "10 m", "10d", "99999999999999999999s", "9999999h"}) {
    EXPECT_FALSE(ParseDuration(bad)) << bad;
  }
}

}  // namespace
}  // namespace laptime::agent
