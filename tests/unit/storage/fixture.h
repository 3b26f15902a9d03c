#pragma once

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include <memory>
#include <string>
#include <vector>

#include "storage/schema.h"
#include "storage/sqlite/database.h"
#include "storage/transaction.h"
#include "tests/testing/status_matchers.h"

namespace laptime::storage {

// What most tests need in the database before they begin: host "studio" (id "h1") with devices
// "cpu" and "mps", and jobs on them. Every method fails the test by throwing when the database
// refuses.
class Seeder {
 public:
  static v1::Host Host(const std::string& id = "h1", const std::string& name = "studio") {
    v1::Host host;
    host.set_id(id);
    host.set_name(name);
    host.set_os("Debian GNU/Linux 12");
    host.set_logical_cores(2);
    return host;
  }

  static v1::Device Device(const std::string& name, v1::DeviceKind kind = v1::DEVICE_KIND_CPU) {
    v1::Device device;
    device.set_name(name);
    device.set_kind(kind);
    device.set_model("model of " + name);
    device.set_address(name);
    return device;
  }

  static v1::Job Job(const std::string& id, int priority = 0) {
    v1::Job job;
    job.set_id(id);
    job.set_repeats(1);
    job.set_priority(priority);
    job.set_created_unix_ms(1000);
    job.add_selectors("kind=cpu");
    v1::Workload& workload = *job.mutable_workload();
    workload.set_name("simclr-cifar10");
    workload.set_hash("abc123");
    workload.set_steps_per_epoch(390);
    (*workload.mutable_config()->mutable_fields())["epochs"].set_number_value(2);
    (*workload.mutable_config()->mutable_fields())["learning_rate"].set_number_value(0.06);
    (*workload.mutable_config()->mutable_fields())["seed"].set_number_value(1);
    return job;
  }

  static void AddHost(Transaction& tx) {
    Must(tx.UpsertHost(Host(), {Device("cpu"), Device("mps", v1::DEVICE_KIND_MPS)}, 5000));
  }

  static void AddJob(Transaction& tx, const std::string& id, int priority = 0) {
    Must(tx.InsertJob({Job(id, priority), R"({"batch_size":128})", "key-" + id, "digest-" + id}));
  }

  // A run of an existing job on the device with that key.
  static void AddRun(Transaction& tx, const std::string& id, const std::string& job,
                     int64_t device = 1, int repetition = 1) {
    Must(tx.InsertRun({id, job, device, repetition, /*seed=*/40 + repetition, 2000}));
  }

  // Host, job "j1", run "r1" and its first attempt.
  static v1::AttemptRef AddAttempt(Transaction& tx) {
    AddHost(tx);
    AddJob(tx, "j1");
    AddRun(tx, "r1", "j1");
    return tx.InsertAttempt("r1", "command-1", 3000).value();
  }

 private:
  static void Must(const absl::Status& status) {
    if (!status.ok()) throw std::runtime_error(status.ToString());
  }
};

// A database in memory with the newest schema, and a transaction on it.
class DatabaseTest : public ::testing::Test {
 protected:
  DatabaseTest() : database_(OpenDatabase(":memory:", {}).value()), tx_(*database_) {
    const absl::Status migrated = Migrate(*database_, kApplicationId, Migrations());
    if (!migrated.ok()) throw std::runtime_error(migrated.ToString());
  }

  SQLite::Database& database() { return *database_; }

  // The statements that `work` runs.
  template <typename Work>
  std::vector<std::string> StatementsOf(Work&& work) {
    std::vector<std::string> statements;
    const auto keep = [](unsigned /*kind*/, void* kept, void* statement, void* /*text*/) {
      static_cast<std::vector<std::string>*>(kept)->emplace_back(
          sqlite3_sql(static_cast<sqlite3_stmt*>(statement)));
      return 0;
    };
    sqlite3_trace_v2(database().getHandle(), SQLITE_TRACE_STMT, keep, &statements);
    EXPECT_OK(work());
    sqlite3_trace_v2(database().getHandle(), 0, nullptr, nullptr);
    return statements;
  }

  // The first column of the first row, as text.
  std::string Ask(const std::string& sql) { return database_->execAndGet(sql).getString(); }

 private:
  const std::unique_ptr<SQLite::Database> database_;

 protected:
  Transaction tx_;
};

}  // namespace laptime::storage
