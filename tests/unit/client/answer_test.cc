#include "client/answer.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "client/columns.h"
#include "client/json.h"
#include "laptime/v1/control.pb.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

using ::laptime::testing::StatusIs;
using ::nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// The same answer in every format: three devices' worth of cases in two rows.
class AnswerTest : public ::testing::Test {
 protected:
  std::string Rendered(Format format, std::vector<std::string> fields = {}) {
    const auto text = Render(answer_, {format, std::move(fields), false});
    EXPECT_OK(text);
    return text.ok() ? *text : "";
  }

  const v1::ListJobsResponse jobs_ = FromText<v1::ListJobsResponse>(
      R"(jobs { id: "j1" state: JOB_STATE_SUCCEEDED runs: 2 runs_ended: 2 }
         jobs { id: "j2" state: JOB_STATE_RUNNING ended_unix_ms: 5 })");
  const Answer answer_{
      &jobs_, "jobs",
      MakeGrid(
          std::vector<Column<v1::Job>>{
              TextColumn<v1::Job>("id", "JOB", [](const v1::Job& j) { return j.id(); }),
              NumberColumn<v1::Job>("runs", "RUNS", [](const v1::Job& j) { return j.runs(); }),
              NumberColumn<v1::Job>(
                  "twice", "TWICE", [](const v1::Job& j) { return 2 * j.runs(); }, Shown::kWide)},
          jobs_.jobs()),
      nullptr};
};

TEST_F(AnswerTest, Table) {
  EXPECT_EQ(Rendered(Format::kTable), "JOB  RUNS\nj1      2\nj2      0\n");
}

TEST_F(AnswerTest, Wide) {
  EXPECT_EQ(Rendered(Format::kWide), "JOB  RUNS  TWICE\nj1      2      4\nj2      0      0\n");
}

TEST_F(AnswerTest, Csv) { EXPECT_EQ(Rendered(Format::kCsv), "id,runs,twice\nj1,2,4\nj2,0,0\n"); }

TEST_F(AnswerTest, Markdown) {
  EXPECT_EQ(Rendered(Format::kMarkdown),
            "| JOB | RUNS |\n| --- | ---: |\n| j1 | 2 |\n| j2 | 0 |\n");
}

TEST_F(AnswerTest, JsonIsTheMessageWithItsOwnNames) {
  const std::string json = Rendered(Format::kJson);
  EXPECT_THAT(json, HasSubstr("\"jobs\": ["));
  EXPECT_THAT(json, HasSubstr("\"state\": \"JOB_STATE_SUCCEEDED\""));
  EXPECT_THAT(json, HasSubstr("\"runs_ended\": 2"));
  EXPECT_EQ(json.back(), '\n');
}

TEST_F(AnswerTest, JsonLinesAreOneMessageALine) {
  std::istringstream lines(Rendered(Format::kJsonLines));
  std::string first;
  std::string second;
  std::string third;
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_FALSE(std::getline(lines, third));
  // The order of the keys is protobuf's own matter.
  EXPECT_EQ(json::parse(first), json::parse(R"({"id":"j1","selectors":[],"repeats":0,"priority":0,
      "state":"JOB_STATE_SUCCEEDED","created_unix_ms":"0","runs":2,"runs_ended":2,
      "interleave":false,"most_repeats":0})"));
  EXPECT_EQ(json::parse(second), json::parse(R"({"id":"j2","selectors":[],"repeats":0,"priority":0,
      "state":"JOB_STATE_RUNNING","created_unix_ms":"0","ended_unix_ms":"5","runs":0,"runs_ended":0,
      "interleave":false,"most_repeats":0})"));
}

TEST_F(AnswerTest, FieldsSelectInEveryFormat) {
  EXPECT_EQ(Rendered(Format::kTable, {"runs", "id"}), "RUNS  JOB\n   2  j1\n   0  j2\n");
  EXPECT_EQ(Rendered(Format::kCsv, {"twice"}), "twice\n4\n0\n");
  EXPECT_EQ(Rendered(Format::kJsonLines, {"id", "twice"}),
            "{\"id\":\"j1\",\"twice\":4}\n{\"id\":\"j2\",\"twice\":0}\n");
  EXPECT_EQ(Rendered(Format::kJson, {"id"}),
            "{\n \"jobs\": [\n  {\n   \"id\": \"j1\"\n  },\n  {\n   \"id\": \"j2\"\n  }\n ]\n}\n");
}

TEST_F(AnswerTest, UnknownFieldIsAUsageError) {
  EXPECT_THAT(Render(answer_, {Format::kJson, {"idd"}, false}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("did you mean 'id'?")));
}

TEST_F(AnswerTest, ViewReplacesTheTableOnScreensOnly) {
  Answer answer = answer_;
  answer.view = [](bool wide, bool) { return std::string(wide ? "wide page\n" : "page\n"); };
  EXPECT_EQ(*Render(answer, {Format::kTable, {}, false}), "page\n");
  EXPECT_EQ(*Render(answer, {Format::kWide, {}, false}), "wide page\n");
  EXPECT_EQ(*Render(answer, {Format::kTable, {"id"}, false}), "JOB\nj1\nj2\n");
  EXPECT_EQ(*Render(answer, {Format::kCsv, {}, false}), Rendered(Format::kCsv));
}

TEST_F(AnswerTest, WithoutAMessageJsonComesFromTheGrid) {
  const Answer local{nullptr, "settings", answer_.grid, nullptr};
  EXPECT_EQ(*Render(local, {Format::kJsonLines, {}, false}),
            "{\"id\":\"j1\",\"runs\":2,\"twice\":4}\n{\"id\":\"j2\",\"runs\":0,\"twice\":0}\n");
}

TEST(JsonTest, EmptyListsAreThereAndUnmeasuredFieldsAreNot) {
  EXPECT_EQ(ToJson(v1::ListRunsResponse(), false), R"({"runs":[],"next_page_token":""})");
  EXPECT_THAT(ToJson(v1::Epoch(), false), Not(HasSubstr("wall_seconds")));
  EXPECT_THAT(ToJson(FromText<v1::Epoch>("wall_seconds: 0"), false),
              HasSubstr("\"wall_seconds\":0"));
}

TEST(JsonTest, KeysOfStructsAreSorted) {
  google::protobuf::Struct data;
  for (const char* key : {"zeta", "alpha", "mid", "beta"})
    (*data.mutable_fields())[key].set_number_value(1);
  EXPECT_EQ(ToJson(data, false), R"({"alpha":1,"beta":1,"mid":1,"zeta":1})");
}

TEST(FormatTest, NamesAreThoseOfTheFlag) {
  EXPECT_EQ(FormatFromName("jsonl"), Format::kJsonLines);
  EXPECT_EQ(FormatFromName("md"), Format::kMarkdown);
  EXPECT_EQ(FormatFromName("yaml"), std::nullopt);
}

// protobuf leaves these as they are; a terminal would show the rest of the line from right to left.
TEST(ToJsonTest, NothingTurnsTheWritingDirection) {
  v1::Failure failure;
  failure.set_message(
      "a\xE2\x81\xA6"
      "b\xE2\x81\xA9\xD8\x9C\xE2\x80\xAE \xE4\xB8\xAD");
  const std::string json = ToJson(failure, false);
  EXPECT_THAT(json, HasSubstr("a\\u2066b\\u2069\\u061c\\u202e \xE4\xB8\xAD"));
}

}  // namespace
}  // namespace laptime::client
