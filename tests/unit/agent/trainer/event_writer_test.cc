#include "agent/trainer/event_writer.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <limits>

namespace laptime::trainer {
namespace {

using nlohmann::json;

class EventWriterTest : public ::testing::Test {
 protected:
  EventWriterTest() { EXPECT_EQ(pipe(pipe_), 0); }
  ~EventWriterTest() override {
    close(pipe_[1]);
    if (pipe_[0] >= 0) close(pipe_[0]);
  }

  std::string Read() {
    char buffer[4096];
    const ssize_t size = read(pipe_[0], buffer, sizeof(buffer));
    return {buffer, static_cast<size_t>(size)};
  }

  int pipe_[2];
};

TEST_F(EventWriterTest, WritesOneLineNamedByItsOnlyKey) {
  EventWriter events(pipe_[1]);
  events.Write("epoch_finished", {{"number", 1}, {"wall_seconds", 2.5}});
  EXPECT_EQ(Read(), "{\"epoch_finished\":{\"number\":1,\"wall_seconds\":2.5}}\n");
}

TEST_F(EventWriterTest, NamesNumbersThatJsonLacks) {
  EventWriter events(pipe_[1]);
  const double infinity = std::numeric_limits<double>::infinity();
  events.Write("x",
               {{"a", std::numeric_limits<double>::quiet_NaN()}, {"b", {infinity, -infinity}}});
  EXPECT_EQ(Read(), "{\"x\":{\"a\":\"NaN\",\"b\":[\"Infinity\",\"-Infinity\"]}}\n");
}

TEST_F(EventWriterTest, ReplacesBytesThatAreNoText) {
  EventWriter events(pipe_[1]);
  events.Write("failed", {{"message", "cannot read /data/\xff.bin\nsecond line"}});
  const std::string line = Read();
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_TRUE(json::accept(line));
}

TEST_F(EventWriterTest, NoticesThatItsReaderHasGone) {
  signal(SIGPIPE, SIG_IGN);
  EventWriter events(pipe_[1]);
  EXPECT_FALSE(events.reader_gone());
  close(pipe_[0]);
  pipe_[0] = -1;
  events.Write("x", json::object());
  EXPECT_TRUE(events.reader_gone());
}

}  // namespace
}  // namespace laptime::trainer
