#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

class ImportsTest : public DatabaseTest {};

TEST_F(ImportsTest, StoresAResultOnceAndApartFromRuns) {
  EXPECT_TRUE(tx_.InsertImported({"h1", R"({"source":"a"})", true, 10}).value());
  EXPECT_TRUE(tx_.InsertImported({"h2", R"({"source":"b"})", false, 20}).value());
  EXPECT_FALSE(tx_.InsertImported({"h1", R"({"source":"c"})", false, 30}).value());
  ASSERT_OK_AND_ASSIGN(const auto results, tx_.ImportedResults());
  ASSERT_EQ(results.size(), 2);
  EXPECT_EQ(results[0].json, R"({"source":"a"})");
  EXPECT_TRUE(results[0].published);
  EXPECT_EQ(results[0].imported_unix_ms, 10);
  EXPECT_EQ(results[1].hash, "h2");
  EXPECT_FALSE(results[1].published);
  EXPECT_EQ(tx_.CountAll().value().runs, 0);
  EXPECT_EQ(tx_.CountAll().value().devices, 0);
}

}  // namespace
}  // namespace laptime::storage
