#include "proto/support/stream_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace laptime {
namespace {

using ::testing::ElementsAre;

// A stream that remembers what was started on it.
class RecordingWriter : public StreamWriter<std::string> {
 public:
  void StartWrite(const std::string* message) override { written.push_back(*message); }
  void End() override { ++ends; }

  std::vector<std::string> written;
  int ends = 0;
};

TEST(StreamSenderTest, KeepsOneWriteInFlight) {
  RecordingWriter writer;
  StreamSender<std::string> sender(writer, 8);
  EXPECT_TRUE(sender.Send("a"));
  EXPECT_TRUE(sender.Send("b"));
  EXPECT_THAT(writer.written, ElementsAre("a"));
  sender.OnWriteDone(true);
  EXPECT_THAT(writer.written, ElementsAre("a", "b"));
}

TEST(StreamSenderTest, EndsOnceAfterTheLastWrite) {
  RecordingWriter writer;
  StreamSender<std::string> sender(writer, 8);
  sender.Send("a");
  sender.Send("b");
  sender.Close();
  EXPECT_FALSE(sender.Send("c"));
  sender.OnWriteDone(true);
  EXPECT_EQ(writer.ends, 0);
  sender.OnWriteDone(true);
  sender.Close();
  EXPECT_EQ(writer.ends, 1);
  EXPECT_THAT(writer.written, ElementsAre("a", "b"));
}

TEST(StreamSenderTest, WritesNothingAfterAFailedWrite) {
  RecordingWriter writer;
  StreamSender<std::string> sender(writer, 8);
  sender.Send("a");
  sender.Send("b");
  sender.OnWriteDone(false);
  EXPECT_THAT(writer.written, ElementsAre("a"));
  EXPECT_EQ(writer.ends, 1);
}

TEST(StreamSenderTest, RefusesWhenThePeerDoesNotRead) {
  RecordingWriter writer;
  StreamSender<std::string> sender(writer, 2);
  EXPECT_TRUE(sender.Send("a"));
  EXPECT_TRUE(sender.Send("b"));
  EXPECT_FALSE(sender.Send("c"));
}

TEST(StreamSenderTest, ClosingNowDropsWhatWaits) {
  RecordingWriter writer;
  StreamSender<std::string> sender(writer, 8);
  sender.Send("a");
  sender.Send("b");
  sender.Close(/*now=*/true);
  sender.OnWriteDone(true);
  EXPECT_THAT(writer.written, ElementsAre("a"));
  EXPECT_EQ(writer.ends, 1);
}

}  // namespace
}  // namespace laptime
