#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "laptime/v1/trainer.pb.h"

namespace laptime::agent {

// Longer lines are no events.
inline constexpr size_t kMaxLineBytes = 1024 * 1024;

// Cuts a stream of bytes into lines. Not thread-safe.
class LineReader {
 public:
  // The lines that `bytes` completes, without their ends; empty ones are left out.
  // kResourceExhausted: a line is longer than kMaxLineBytes; nothing more can be read then.
  absl::StatusOr<std::vector<std::string>> Append(const std::string& bytes);

  // What stands after the last line break.
  const std::string& rest() const { return rest_; }

 private:
  std::string rest_;
};

// One line of the trainer's standard output. kInvalidArgument: "printed a line that is no event: …"
// with its first 100 printable characters. Unknown fields are ignored; an event of an unknown kind
// comes back empty.
absl::StatusOr<v1::TrainerEvent> ParseTrainerEvent(const std::string& line);

// The first 100 printable characters of something that is not to be trusted.
std::string Excerpt(const std::string& text);

}  // namespace laptime::agent
