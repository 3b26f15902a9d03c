#include "storage/backup.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "storage/check.h"
#include "storage/sqlite_store.h"
#include "tests/testing/promise_row.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::PrintTried;
using ::laptime::testing::StatusIs;
using ::laptime::testing::TempDir;

// What a file holds of the runs that Load writes: they are numbered from 1.
struct Found {
  int runs = -1;  // nobody could read it
  bool prefix = false;
};

class BackupTest : public ::testing::Test {
 protected:
  BackupTest() {
    StoreOptions options;
    options.path = file_;
    store_ = Store::Open(options).value();
    EXPECT_OK(store_->Write([](Transaction& tx) {
      Seeder::AddHost(tx);
      Seeder::AddJob(tx, "j1");
      Seeder::AddRun(tx, "0", "j1");
      v1::Annotation annotation;
      annotation.set_text(std::string(8'000'000, 'x'));  // many steps of a copy
      return tx.InsertAnnotation("0", annotation);
    }));
  }

  // Stores one run after the other, each waited for, until it is stopped.
  void Load(const std::stop_token& stop) {
    for (int number = 1; !stop.stop_requested(); ++number) {
      begun_ = number;
      EXPECT_OK(store_->Write([number](Transaction& tx) {
        Seeder::AddRun(tx, std::to_string(number), "j1");
        return absl::OkStatus();
      }));
      acked_ = number;
      acked_.notify_all();
    }
  }

  static Found Restore(const std::string& file) {
    auto database = OpenDatabase(file, {});
    if (!database.ok()) return {};
    Found found;
    (void)Guard("counting", [&] {
      const std::string numbers = "FROM run WHERE id <> '0'";
      found.runs = (*database)->execAndGet("SELECT count(*) " + numbers).getInt();
      found.prefix =
          found.runs == (*database)
                            ->execAndGet("SELECT coalesce(max(CAST(id AS INTEGER)), 0) " + numbers)
                            .getInt();
    });
    return found;
  }

  static void Save(Backup& backup, const std::string& file) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    while (true) {
      ASSERT_OK_AND_ASSIGN(const std::string piece, backup.Read(100'000));
      if (piece.empty()) break;
      out << piece;
    }
    out.close();
    EXPECT_EQ(std::filesystem::file_size(file), static_cast<uintmax_t>(backup.bytes()));
  }

  std::ptrdiff_t CopiesBeside() {
    return std::ranges::count_if(
        std::filesystem::directory_iterator(dir_.path()), [](const auto& entry) {
          return entry.path().filename().string().find(".copy-") != std::string::npos;
        });
  }

  const TempDir dir_;
  const std::string file_ = dir_.File("laptime.db");
  std::unique_ptr<Store> store_;
  std::atomic<int> begun_ = 0;
  std::atomic<int> acked_ = 0;
};

TEST_F(BackupTest, UnderLoadItRestoresToAnAckedPrefix) {
  constexpr int kTries = 10;
  int lost = 0;
  int lost_by_plain_copy = 0;
  int written_meanwhile = 0;
  {
    const std::jthread load([this](const std::stop_token& stop) { Load(stop); });
    acked_.wait(0);
    for (int i = 0; i < kTries; ++i) {
      const int acked = acked_;
      acked_.wait(acked);  // there is always something that only the log holds
      const std::string plain = dir_.File("plain" + std::to_string(i));
      std::filesystem::copy_file(file_, plain);
      const int before = acked_;
      ASSERT_OK_AND_ASSIGN(const auto backup, Backup::Make(file_, nullptr));
      const int after = begun_;
      written_meanwhile += after - before;
      const std::string restored = dir_.File("restored" + std::to_string(i));
      Save(*backup, restored);
      const Found found = Restore(restored);
      EXPECT_TRUE(found.prefix);
      EXPECT_LE(found.runs, after);
      if (found.runs < before) ++lost;
      ASSERT_OK_AND_ASSIGN(const auto checked, CheckDatabase(restored, nullptr));
      for (const auto& check : checked.checks()) EXPECT_EQ(check.wrong(), 0) << check.name();
      if (Restore(plain).runs <= acked) ++lost_by_plain_copy;
    }
  }
  PrintTried("C16",
             "backups under load, " + std::to_string(written_meanwhile) + " runs written meanwhile",
             kTries, lost);
  PrintTried("C16 ctrl", "plain copies of the file: must lose", kTries, lost_by_plain_copy);
  EXPECT_EQ(lost, 0);
  EXPECT_GT(written_meanwhile, 0);
  EXPECT_GT(lost_by_plain_copy, 0);
}

TEST_F(BackupTest, LeavesNothingBesideTheDatabase) {
  {
    ASSERT_OK_AND_ASSIGN(const auto backup, Backup::Make(file_, nullptr));
    EXPECT_EQ(CopiesBeside(), 0);
  }
  EXPECT_THAT(Backup::Make(file_, [] { return true; }),
              StatusIs(absl::StatusCode::kCancelled, ::testing::_));
  EXPECT_EQ(CopiesBeside(), 0);
}

TEST_F(BackupTest, WhatAKilledOneLeftGoesWithTheNextStart) {
  store_.reset();
  std::ofstream(file_ + ".copy-1-1") << "half";
  StoreOptions options;
  options.path = file_;
  ASSERT_OK_AND_ASSIGN(store_, Store::Open(options));
  EXPECT_EQ(CopiesBeside(), 0);
}

}  // namespace
}  // namespace laptime::storage
