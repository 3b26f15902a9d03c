// The control of the injection tests: code that makes the mistakes. What it does must be seen.

#include "tests/integration/injection/effects.h"

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <cstdlib>
#include <fstream>

#include "storage/store.h"
#include "tests/integration/injection/payloads.h"
#include "tests/testing/promise_row.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::testing {
namespace {

namespace fs = std::filesystem;

class EffectsTest : public ::testing::Test {
 protected:
  EffectsTest() {
    for (const char* name : {"state", "outside"}) fs::create_directories(dir_.path() / name);
    database_ = dir_.path() / "state" / "laptime.db";
  }
  // A database as a coordinator leaves it, with a host.
  void Fresh() {
    fs::remove_all(dir_.path() / "state");
    fs::remove_all(dir_.path() / "outside");
    fs::create_directories(dir_.path() / "outside");
    auto store = storage::Store::Open({.path = database_.string()});
    ASSERT_OK(store);
    ASSERT_OK((*store)->Write([](storage::Transaction& tx) {
      v1::Host host;
      host.set_id("h");
      host.set_name("box");
      return tx.UpsertHost(host, {}, 1);
    }));
  }

  TempDir dir_;
  fs::path database_;
};

TEST_F(EffectsTest, SeesWhatSqlInjectionsDoToCodeThatPastesTexts) {
  std::map<std::string, int> tried;
  std::map<std::string, int> seen;
  for (const Payload& payload : SqlPayloads((dir_.path() / "outside").string())) {
    if (payload.family != "stacked" && payload.family != "files") continue;
    // How the text around it is closed is the payload's guess; each guess is right once.
    for (const char* quote : {"'", "\"", "", "('"}) {
      Fresh();
      Effects effects(dir_.path(), database_);
      sqlite3* connection = nullptr;
      ASSERT_EQ(sqlite3_open(database_.c_str(), &connection), SQLITE_OK);
      const std::string open = std::string(quote) == "('" ? "('" : quote;
      const std::string sql = "SELECT id FROM host WHERE id = " + open + payload.text;
      sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr);
      sqlite3_close(connection);
      ++tried[payload.family];
      if (!effects.Found().empty()) ++seen[payload.family];
    }
  }
  for (const auto& [family, count] : tried)
    PrintTried("S7 ctrl", family + " statements pasted into SQL: must have effects", count,
               seen[family]);
  // Each way of closing the text, once: DELETE and UPDATE of an empty table change nothing.
  EXPECT_GE(seen["stacked"], 4);
  EXPECT_GE(seen["files"], 4);
}

TEST_F(EffectsTest, SeesWhatPathsDoToCodeThatJoinsThem) {
  int seen = 0;
  int tried = 0;
  for (const Payload& payload : PathPayloads((dir_.path() / "outside").string())) {
    if (payload.family != "climbing" && payload.family != "absolute" && payload.family != "shell")
      continue;
    Fresh();
    Effects effects(dir_.path(), database_);
    ++tried;
    if (payload.family == "shell") {
      (void)!std::system(("echo " + payload.text + " >/dev/null 2>&1").c_str());
    } else {
      const fs::path joined =
          payload.text[0] == '/' ? fs::path(payload.text) : dir_.path() / "state" / payload.text;
      std::ofstream(joined.c_str()) << "x";
    }
    if (!effects.Found().empty()) ++seen;
  }
  PrintTried("S8 ctrl", "paths that are joined as they are: must have effects", tried, seen);
  EXPECT_GE(seen, 8);
}

TEST_F(EffectsTest, SeesDamageAndMissingRows) {
  Fresh();
  Effects effects(dir_.path(), database_);
  EXPECT_THAT(effects.Found(), ::testing::IsEmpty());
  EXPECT_THAT(effects.Found({{"host", 1}}), ::testing::SizeIs(1));
  {
    std::fstream file(database_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(4096, 'x');
  }
  EXPECT_THAT(effects.Found(), ::testing::Not(::testing::IsEmpty()));
}

}  // namespace
}  // namespace laptime::testing
