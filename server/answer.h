#pragma once

#include <grpcpp/support/status.h>

#include <atomic>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace laptime {

// The status of a call that asked the database. UNAVAILABLE on the wire says that no coordinator is
// there; a database that is busy or failing is another matter.
grpc::Status Answer(const absl::Status& status);

// Moves the value into `*out`, or returns the error.
template <typename T, typename Out>
absl::Status Put(absl::StatusOr<T> result, Out* out) {
  if (!result.ok()) return result.status();
  *out = *std::move(result);
  return absl::OkStatus();
}

// Counts what runs at the same time, this one included, for as long as it lives.
class Slot {
 public:
  explicit Slot(std::atomic<int>& taken) : taken_(taken), number_(++taken) {}
  ~Slot() { --taken_; }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  int number() const { return number_; }

 private:
  std::atomic<int>& taken_;
  const int number_;
};

}  // namespace laptime
