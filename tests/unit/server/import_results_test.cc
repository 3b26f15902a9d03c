#include "server/import_results.h"

#include <nlohmann/json.hpp>

#include "proto/support/status.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

json Line() {
  return json{{"source", "a table"}, {"host", "mac"},
              {"device", "mps"},     {"kind", "mps"},
              {"model", "M9"},       {"workload", "simclr-cifar10"},
              {"precision", "fp32"}, {"epoch_seconds", {12.0, 10.0, 11.0}}};
}

std::unique_ptr<storage::Store> OpenStore(const TempDir& dir) {
  auto store = storage::Store::Open({.path = dir.File("laptime.db")});
  EXPECT_OK(store);
  return *std::move(store);
}

TEST(ParseResultTest, TakesTheMedianOfLaps) {
  ASSERT_OK_AND_ASSIGN(ElsewhereResult result, ParseResult(Line().dump()));
  EXPECT_EQ(result.seconds_per_epoch, 11.0);
  EXPECT_FALSE(result.whole_fit);
}

TEST(ParseResultTest, DividesATotalByItsEpochs) {
  json line = Line();
  line.erase("epoch_seconds");
  line["total_seconds"] = 810;
  line["epochs"] = 2;
  ASSERT_OK_AND_ASSIGN(ElsewhereResult result, ParseResult(line.dump()));
  EXPECT_EQ(result.seconds_per_epoch, 405.0);
  EXPECT_TRUE(result.whole_fit);
}

TEST(ParseResultTest, PrecisionMakesAnotherWorkload) {
  json bf16 = Line();
  bf16["precision"] = "bf16";
  EXPECT_NE(ParseResult(Line().dump())->workload_hash, ParseResult(bf16.dump())->workload_hash);
}

struct Change {
  const char* field;
  json value;  // discarded = remove the field
  const char* message;
};

void PrintTo(const Change& change, std::ostream* out) {
  *out << change.field << ": " << change.message;
}

class ParseResultBadFieldTest : public ::testing::TestWithParam<Change> {};

TEST_P(ParseResultBadFieldTest, IsRefusedByName) {
  json line = Line();
  line[GetParam().field] = GetParam().value;
  if (GetParam().value.is_discarded()) line.erase(GetParam().field);
  EXPECT_THAT(ParseResult(line.dump()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, ParseResultBadFieldTest,
    ::testing::Values(Change{"source", json(json::value_t::discarded), "source: is missing"},
                      Change{"kind", "tpu", "kind: 'tpu'"},
                      Change{"device", 7, "device: is not a text"},
                      Change{"workload", "simclr-cifar11", "did you mean 'simclr-cifar10'?"},
                      Change{"precision", "fp7", "precision"},
                      Change{"epoch_seconds", json::array(), "epoch_seconds"},
                      Change{
                          "epoch_seconds", {1.0, -1.0}, "epoch_seconds: is not a positive number"},
                      Change{"epochs", 2, "either the laps, or total_seconds"},
                      Change{"knn_accuracy", 84.7, "knn_accuracy: is not a fraction"},
                      Change{"peak_memory_byte", 1, "did you mean 'peak_memory_bytes'?"}));

TEST(ImportResultsTest, StoresEachResultOnce) {
  TempDir dir;
  auto store = OpenStore(dir);
  const std::string text = Line().dump() + "\n\n";
  ASSERT_OK_AND_ASSIGN(auto first, ImportResults(*store, text, false, 1));
  EXPECT_EQ(first.imported(), 1);
  ASSERT_OK_AND_ASSIGN(auto second, ImportResults(*store, text, false, 2));
  EXPECT_EQ(second.imported(), 0);
  EXPECT_EQ(second.already_there(), 1);
}

TEST(ImportResultsTest, StoresAllOrNothing) {
  TempDir dir;
  auto store = OpenStore(dir);
  EXPECT_THAT(ImportResults(*store, Line().dump() + "\n{\"source\":1}\n", false, 1),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 2: source")));
  ASSERT_OK(store->Read([](const storage::Reader& reader) {
    EXPECT_EQ(reader.ImportedResults()->size(), 0u);
    return absl::OkStatus();
  }));
}

TEST(ImportResultsTest, BuiltInReferencesAreTheFourPublishedDevices) {
  TempDir dir;
  auto store = OpenStore(dir);
  ASSERT_OK_AND_ASSIGN(auto response, ImportResults(*store, kPublishedResults, true, 1));
  EXPECT_EQ(response.imported(), 4);
}

}  // namespace
}  // namespace laptime
