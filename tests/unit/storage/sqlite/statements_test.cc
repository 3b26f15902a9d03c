#include "storage/sqlite/statements.h"

#include <SQLiteCpp/Database.h>

#include <limits>

#include "storage/sqlite/database.h"
#include "tests/testing/status_matchers.h"

namespace laptime::storage {
namespace {

class StatementsTest : public ::testing::Test {
 protected:
  const std::unique_ptr<SQLite::Database> database_ = OpenDatabase(":memory:", {}).value();
  Statements statements_{*database_};
};

TEST_F(StatementsTest, ForgetsTheValuesOfTheLastUse) {
  const std::string sql = "SELECT ?1";
  {
    Query query = statements_.Get(sql);
    ASSERT_TRUE(query.Bind(7).Step());
    EXPECT_EQ(query.Int(0), 7);
  }
  Query query = statements_.Get(sql);
  ASSERT_TRUE(query.Step());
  EXPECT_TRUE(query.IsNull(0));
}

TEST_F(StatementsTest, RunsOneStatementWithinItself) {
  const std::string sql = "SELECT value FROM json_each('[1,2]')";
  Query outer = statements_.Get(sql);
  int pairs = 0;
  while (outer.Step()) {
    Query inner = statements_.Get(sql);
    while (inner.Step()) ++pairs;
  }
  EXPECT_EQ(pairs, 4);
}

TEST_F(StatementsTest, KeepsAbsentAndZeroApart) {
  Query query = statements_.Get("SELECT ?1, ?2, ?3, ?4, ?5, ?6");
  query.Bind(std::optional<double>(), std::optional<double>(0.0), true, std::string("a\0b", 3),
             int64_t{1} << 40, std::numeric_limits<double>::infinity());
  ASSERT_TRUE(query.Step());
  EXPECT_TRUE(query.IsNull(0));
  EXPECT_FALSE(query.IsNull(1));
  EXPECT_EQ(query.Real(1), 0);
  EXPECT_TRUE(query.Bool(2));
  EXPECT_EQ(query.Text(3), std::string("a\0b", 3));
  EXPECT_EQ(query.Int64(4), int64_t{1} << 40);
  EXPECT_EQ(query.Real(5), std::numeric_limits<double>::infinity());
}

TEST_F(StatementsTest, ReturningTellsWhetherARowChanged) {
  database_->exec("CREATE TABLE t (x INTEGER PRIMARY KEY)");
  EXPECT_EQ(statements_.Get("INSERT INTO t VALUES (5) RETURNING x").RunReturning(), 5);
  EXPECT_EQ(statements_.Get("DELETE FROM t WHERE x = 6 RETURNING x").RunReturning(), std::nullopt);
}

TEST_F(StatementsTest, TellsWhetherARowChangedAndTheKeyOfANewOne) {
  database_->exec("CREATE TABLE t (x INTEGER PRIMARY KEY, y UNIQUE)");
  EXPECT_EQ(statements_.Get("INSERT INTO t VALUES (5, 1)").RunInsert(), 5);
  EXPECT_EQ(statements_.Get("INSERT INTO t (y) VALUES (2)").RunInsert(), 6);
  const std::string insert = "INSERT INTO t (y) VALUES (?1) ON CONFLICT DO NOTHING";
  EXPECT_FALSE(statements_.Get(insert).Bind(2).RunChange());
  EXPECT_TRUE(statements_.Get(insert).Bind(3).RunChange());
  EXPECT_FALSE(statements_.Get("DELETE FROM t WHERE x = 9").RunChange());
}

// Only at its end does such a statement check foreign keys: one that is left early would break the
// commit.
TEST_F(StatementsTest, ReturningChecksForeignKeys) {
  database_->exec(
      "CREATE TABLE parent (x INTEGER PRIMARY KEY); CREATE TABLE child (x REFERENCES parent)");
  database_->exec("BEGIN");
  EXPECT_THROW(statements_.Get("INSERT INTO child VALUES (1) RETURNING 1").RunReturning(),
               SQLite::Exception);
  EXPECT_NO_THROW(database_->exec("COMMIT"));
}

// What people filter by makes a new text for each combination.
TEST_F(StatementsTest, ForgetsTextsBeyondTheLimit) {
  for (size_t i = 0; i < 3 * Statements::kMaxTexts; ++i) {
    Query query = statements_.Get("SELECT " + std::to_string(i));
    ASSERT_TRUE(query.Step());
    EXPECT_EQ(query.Int(0), i);
  }
  EXPECT_LE(statements_.size(), Statements::kMaxTexts);
  EXPECT_GT(statements_.size(), 0);
}

}  // namespace
}  // namespace laptime::storage
