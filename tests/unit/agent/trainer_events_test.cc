#include "agent/trainer_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/testing/status_matchers.h"

namespace laptime::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::StatusIs;

TEST(LineReaderTest, JoinsLinesThatComeInPieces) {
  LineReader reader;
  EXPECT_THAT(*reader.Append("{\"a"), IsEmpty());
  EXPECT_THAT(*reader.Append("\":1}\n\n{\"b\":2}\nre"), ElementsAre("{\"a\":1}", "{\"b\":2}"));
  EXPECT_EQ(reader.rest(), "re");
}

TEST(LineReaderTest, RefusesALineWithoutEnd) {
  LineReader reader;
  const std::string piece(64 * 1024, 'x');
  absl::Status status;
  size_t fed = 0;
  while (status.ok() && fed <= 2 * kMaxLineBytes) {
    status = reader.Append(piece).status();
    fed += piece.size();
  }
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("a line of more than")));
  EXPECT_LE(fed, kMaxLineBytes + piece.size());
}

TEST(LineReaderTest, RefusesALongLineThatHasAnEnd) {
  LineReader reader;
  EXPECT_THAT(reader.Append(std::string(kMaxLineBytes + 1, 'x') + "\n"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("xxx")));
}

TEST(ParseTrainerEventTest, ReadsTheWorkingsOfALap) {
  ASSERT_OK_AND_ASSIGN(
      const v1::TrainerEvent event,
      ParseTrainerEvent(R"({"epoch_finished":{"number":1,"wall_seconds":2.5,)"
                        R"("phases":{"forward":1.0},"step_seconds":{"p50":0.5}}})"));
  EXPECT_EQ(event.epoch_finished().number(), 1);
  EXPECT_EQ(event.epoch_finished().wall_seconds(), 2.5);
  EXPECT_EQ(event.epoch_finished().step_seconds().p50(), 0.5);
  EXPECT_FALSE(event.epoch_finished().has_knn_accuracy());
}

TEST(ParseTrainerEventTest, ReadsNonFiniteNumbersAsStrings) {
  ASSERT_OK_AND_ASSIGN(
      const v1::TrainerEvent event,
      ParseTrainerEvent(R"({"epoch_finished":{"mean_loss":"NaN","last_loss":"-Infinity"}})"));
  EXPECT_TRUE(std::isnan(event.epoch_finished().mean_loss()));
  EXPECT_TRUE(std::isinf(event.epoch_finished().last_loss()));
}

TEST(ParseTrainerEventTest, IgnoresWhatANewerTrainerSays) {
  ASSERT_OK_AND_ASSIGN(v1::TrainerEvent event,
                       ParseTrainerEvent(R"({"finished":{"epochs":2,"mood":{"good":[1,2]}}})"));
  EXPECT_EQ(event.finished().epochs(), 2);
  ASSERT_OK_AND_ASSIGN(event, ParseTrainerEvent(R"({"what_is_to_come":{"x":1}})"));
  EXPECT_EQ(event.event_case(), v1::TrainerEvent::EVENT_NOT_SET);
}

TEST(ParseTrainerEventTest, RefusesGarbageAndShowsItsBeginning) {
  for (const std::string line :
       {"Traceback (most recent call last):", " ", "42", "[]", "null", "\"text\"", "{",
        R"({"epoch_finished":{"number":"many"}})", R"({"started":1})", "\xff\xfe"}) {
    EXPECT_THAT(ParseTrainerEvent(line), StatusIs(absl::StatusCode::kInvalidArgument,
                                                  HasSubstr("a line that is no event: ")))
        << line;
  }
  const absl::Status status = ParseTrainerEvent("\x1b[31mred\xff" + std::string(500, 'y')).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("?[31mred?yyy")));
  EXPECT_LT(status.message().size(), 150u);
}

TEST(ParseTrainerEventTest, SurvivesDeepNesting) {
  std::string deep = R"({"started":{"config":)";
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  EXPECT_FALSE(ParseTrainerEvent(deep).ok());
}

}  // namespace
}  // namespace laptime::agent
