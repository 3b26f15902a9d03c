#include "client/flat_columns.h"

#include <gmock/gmock.h>
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

#include <limits>

#include "client/csv.h"
#include "laptime/v1/control.pb.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::StatusIs;

std::vector<std::string> NamesOf(const std::vector<FlatColumn>& columns) {
  std::vector<std::string> names;
  for (const FlatColumn& column : columns) names.push_back(column.name);
  return names;
}

std::string Line(const google::protobuf::Message& row, const std::vector<std::string>& names) {
  const auto columns = ChooseColumns(FlatColumns(*row.GetDescriptor()), names);
  EXPECT_OK(columns);
  return columns.ok() ? CsvLine(*columns, row) : "";
}

TEST(FlatColumnsTest, EverySingleValueIsAColumn) {
  const auto names = NamesOf(FlatColumns(*v1::EpochRow::descriptor()));
  EXPECT_EQ(names.front(), "run_id");
  EXPECT_THAT(names,
              AllOf(Contains("epoch.number"), Contains("epoch.phases.forward"),
                    Contains("epoch.conditions.steal_fraction"), Contains("epoch.energy.joules")));
  EXPECT_THAT(NamesOf(FlatColumns(*v1::Run::descriptor())),
              AllOf(Contains("failure.message"), Contains("validity_reasons")));
  EXPECT_EQ(CsvHeader(FlatColumns(*v1::SampleRow::descriptor())),
            "run_id,device,sensor,source,unit,time_ms,value");
}

TEST(FlatColumnsTest, NumbersAreExactAndAbsentIsEmpty) {
  v1::EpochRow row;
  row.mutable_epoch()->set_number(1);
  row.mutable_epoch()->set_wall_seconds(1.0 / 3);
  row.mutable_epoch()->set_mean_loss(std::numeric_limits<double>::quiet_NaN());
  row.mutable_epoch()->set_knn_accuracy(0);
  EXPECT_EQ(Line(row, {"epoch.number", "epoch.wall_seconds", "epoch.mean_loss",
                       "epoch.knn_accuracy", "epoch.train_seconds", "epoch.phases.forward"}),
            "1,0.3333333333333333,NaN,0,,");
  row.mutable_epoch()->set_wall_seconds(-1.5);  // a number is never taken for a formula
  EXPECT_EQ(Line(row, {"epoch.wall_seconds"}), "-1.5");
  row.mutable_epoch()->set_wall_seconds(-std::numeric_limits<double>::infinity());
  EXPECT_EQ(Line(row, {"epoch.wall_seconds"}), "'-inf");  // but this would be
}

TEST(FlatColumnsTest, EnumsAreWordsAndTextsAreMadeSafe) {
  v1::Run run;
  run.set_state(v1::RUN_STATE_SUCCEEDED);
  run.set_validity(v1::VALIDITY_NOT_EVALUATED);
  run.add_validity_reasons("steal 3 %, twice");
  run.add_validity_reasons("swap");
  run.set_device("=cmd|'/c calc'!A1");
  run.set_partial(true);
  EXPECT_EQ(Line(run, {"state", "validity", "kind", "partial", "validity_reasons", "device"}),
            "succeeded,not evaluated,,true,\"steal 3 %, twice; swap\",'=cmd|'/c calc'!A1");
}

template <typename Wrapper, typename Value>
std::string LineOf(Value value) {
  Wrapper wrapper;
  wrapper.set_value(value);
  return Line(wrapper, {"value"});
}

// protobuf's own wrappers have the types that no row has so far.
TEST(FlatColumnsTest, EveryTypeOfNumberHasAText) {
  namespace pb = google::protobuf;
  EXPECT_EQ(LineOf<pb::FloatValue>(0.5F), "0.5");
  EXPECT_EQ(LineOf<pb::FloatValue>(std::numeric_limits<float>::quiet_NaN()), "NaN");
  EXPECT_EQ(LineOf<pb::UInt32Value>(4294967295U), "4294967295");
  EXPECT_EQ(LineOf<pb::UInt64Value>(18446744073709551615U), "18446744073709551615");
  EXPECT_EQ(LineOf<pb::Int32Value>(-3), "-3");
  EXPECT_EQ(LineOf<pb::Int64Value>(-5), "-5");
  EXPECT_EQ(LineOf<pb::BoolValue>(true), "true");
  EXPECT_EQ(LineOf<pb::BytesValue>("a,b"), "\"a,b\"");
}

TEST(FlatColumnsTest, AnUnknownFieldGetsTheNearest) {
  EXPECT_THAT(ChooseColumns(FlatColumns(*v1::Run::descriptor()), {"stat"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("did you mean 'state'?")));
}

TEST(CsvTextTest, QuotesAsTheStandardSays) {
  EXPECT_EQ(CsvText("plain"), "plain");
  EXPECT_EQ(CsvText("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvText("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(CsvText("two\nlines"), "two?lines");
  EXPECT_EQ(CsvText("\x1b[31mred"), "?[31mred");
}

TEST(CsvTextTest, FormulasAreTexts) {
  for (const char* formula : {"=1+1", "+x", "-x", "@SUM(A1)"})
    EXPECT_EQ(CsvText(formula), "'" + std::string(formula));
  EXPECT_EQ(CsvText("-5"), "-5");
  EXPECT_EQ(CsvText(" =1+1"), " '=1+1");
  // Where cells end at semicolons, quotes around the whole text help nothing.
  EXPECT_EQ(CsvText("a;=1+1"), "a;'=1+1");
  EXPECT_EQ(CsvText("a; @x, b"), "\"a; '@x, b\"");
  EXPECT_EQ(CsvText("a;-5;b"), "a;-5;b");
  EXPECT_EQ(CsvText("+1;x"), "'+1;x");
}

}  // namespace
}  // namespace laptime::client
