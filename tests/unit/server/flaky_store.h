#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "storage/store.h"

namespace laptime::testing {

// A real store whose next writes can be made to fail at their commit, as on a full disk.
class FlakyStore : public storage::Store {
 public:
  explicit FlakyStore(std::unique_ptr<storage::Store> store) : store_(std::move(store)) {}

  void FailNext(int writes) { FailAfter(0, writes); }
  void FailAfter(int good_writes, int writes) {
    good_ = good_writes;
    failing_ = writes;
  }

  // How many pieces of work have begun.
  int pieces() const { return pieces_; }

  absl::Status Write(Work work) override { return store_->Write(Breaking(std::move(work))); }
  void WriteAsync(Work work, Done done) override {
    store_->WriteAsync(Breaking(std::move(work)), std::move(done));
  }
  void Drain() override { store_->Drain(); }
  absl::Status Read(const std::function<absl::Status(const storage::Reader&)>& query) override {
    return store_->Read(query);
  }
  absl::Status Tidy(Space space) override { return store_->Tidy(space); }
  int schema_version() const override { return store_->schema_version(); }
  double database_bytes() const override { return store_->database_bytes(); }

 private:
  // Does the work and then fails, so that it is undone.
  Work Breaking(Work work) {
    return [this, work = std::move(work)](storage::Transaction& tx) {
      ++pieces_;
      absl::Status status = work(tx);
      if (good_-- > 0 || failing_ <= 0) return status;
      --failing_;
      return absl::Status(absl::ResourceExhaustedError("committing: the disk is full"));
    };
  }

  std::unique_ptr<storage::Store> store_;
  std::atomic<int> pieces_ = 0;
  std::atomic<int> good_ = 0;
  std::atomic<int> failing_ = 0;
};

}  // namespace laptime::testing
