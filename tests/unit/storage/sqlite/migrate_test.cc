#include <SQLiteCpp/Database.h>

#include "storage/sqlite/database.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;
using ::laptime::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kOurs = 4711;

class MigrateTest : public ::testing::Test {
 protected:
  absl::Status MigrateTo(const std::vector<std::string>& migrations, int application_id = kOurs) {
    auto database = OpenDatabase(file_, {});
    if (!database.ok()) return database.status();
    return Migrate(**database, application_id, migrations);
  }

  std::string Ask(const std::string& file, const std::string& sql) {
    return OpenDatabase(file, {}).value()->execAndGet(sql).getString();
  }

  const TempDir dir_;
  const std::string file_ = dir_.File("a.db");
  const std::string good_ = "CREATE TABLE t (x INTEGER) STRICT; INSERT INTO t VALUES (1)";
  const std::string second_ = "ALTER TABLE t ADD COLUMN y INTEGER; UPDATE t SET y = 2";
};

TEST_F(MigrateTest, CountsVersionsAndOpensTwice) {
  ASSERT_OK(MigrateTo({good_}));
  ASSERT_OK(MigrateTo({good_}));
  EXPECT_EQ(Ask(file_, "PRAGMA user_version"), "1");
  EXPECT_EQ(Ask(file_, "SELECT count(*) FROM t"), "1");
  EXPECT_FALSE(std::filesystem::exists(file_ + ".before-v1"));
  EXPECT_FALSE(std::filesystem::exists(file_ + ".before-v2"));
}

TEST_F(MigrateTest, BacksUpBeforeItChangesAnExistingFile) {
  ASSERT_OK(MigrateTo({good_}));
  ASSERT_OK(MigrateTo({good_, second_}));
  EXPECT_EQ(Ask(file_, "SELECT y FROM t"), "2");
  const std::string backup = file_ + ".before-v2";
  ASSERT_TRUE(std::filesystem::exists(backup));
  EXPECT_EQ(Ask(backup, "PRAGMA user_version"), "1");
  EXPECT_EQ(Ask(backup, "SELECT x FROM t"), "1");
  EXPECT_EQ(Ask(backup, "SELECT count(*) FROM pragma_table_info('t')"), "1");
}

TEST_F(MigrateTest, ChangesNothingWithoutTheCopy) {
  ASSERT_OK(MigrateTo({good_}));
  std::filesystem::create_directories(file_ + ".before-v2.partial/in the way");
  EXPECT_THAT(MigrateTo({good_, second_}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("before-v2")));
  EXPECT_EQ(Ask(file_, "PRAGMA user_version"), "1");
}

TEST_F(MigrateTest, LeavesTheOldSchemaWhenAMigrationFails) {
  ASSERT_OK(MigrateTo({good_}));
  EXPECT_THAT(MigrateTo({good_, second_ + "; SELECT x FROM nowhere"}),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("nowhere")));
  EXPECT_EQ(Ask(file_, "PRAGMA user_version"), "1");
  EXPECT_EQ(Ask(file_, "SELECT count(*) FROM pragma_table_info('t')"), "1");
}

TEST_F(MigrateTest, RefusesANewerSchema) {
  ASSERT_OK(MigrateTo({good_, second_}));
  EXPECT_THAT(
      MigrateTo({good_}),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("has schema 2, this program knows up to 1\n"), HasSubstr(file_))));
  EXPECT_EQ(Ask(file_, "PRAGMA user_version"), "2");
}

TEST_F(MigrateTest, ASchemaBelowNoneIsDamage) {
  ASSERT_OK(MigrateTo({good_}));
  OpenDatabase(file_, {}).value()->exec("PRAGMA user_version = -1");
  EXPECT_THAT(MigrateTo({good_, second_}),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("is damaged: its schema is -1\n"), HasSubstr(file_))));
}

TEST_F(MigrateTest, RefusesAnotherProgramsFile) {
  ASSERT_OK(MigrateTo({good_}, 1234));
  EXPECT_THAT(MigrateTo({good_}), StatusIs(absl::StatusCode::kFailedPrecondition,
                                           HasSubstr("belongs to another program\n")));
}

TEST_F(MigrateTest, RefusesAFileWithTablesOfNobody) {
  OpenDatabase(file_, {}).value()->exec("CREATE TABLE mine (x)");
  EXPECT_THAT(MigrateTo({good_}), StatusIs(absl::StatusCode::kFailedPrecondition,
                                           HasSubstr("belongs to another program\n")));
}

}  // namespace
}  // namespace laptime::storage
