#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/support/mutex.h"
#include "storage/reader.h"

namespace laptime::storage {

// Read-only connections that threads take turns on.
//
// Thread-safe. A query sees what was committed when it began. One that runs longer than the limit
// is interrupted, so that it cannot keep the write-ahead log from shrinking. Nobody may be in Run
// when the pool ends.
class ReaderPool {
 public:
  static absl::StatusOr<std::unique_ptr<ReaderPool>> Open(const std::string& path, int connections,
                                                          std::chrono::milliseconds limit);
  ~ReaderPool();

  // kUnavailable: no connection came free, or the query did not end, within the limit.
  absl::Status Run(const std::function<absl::Status(const Reader&)>& query);

 private:
  struct Connection;

  explicit ReaderPool(std::chrono::milliseconds limit);

  // nullptr after waiting for the limit.
  Connection* Take();
  void GiveBack(Connection* connection);
  absl::Status RunOn(Connection& connection,
                     const std::function<absl::Status(const Reader&)>& query) const;

  // Constant after construction.
  const std::chrono::milliseconds limit_;
  std::vector<std::unique_ptr<Connection>> connections_;

  Mutex mu_;
  std::condition_variable_any freed_;
  std::vector<Connection*> free_ ABSL_GUARDED_BY(mu_);
};

}  // namespace laptime::storage
