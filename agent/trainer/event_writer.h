#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

namespace laptime::trainer {

// Writes laptime.v1.TrainerEvent as JSON lines, one whole line a call. Non-finite numbers become
// the strings that protobuf's JSON knows, bytes that are no UTF-8 a replacement character.
// Thread-safe. Does not own `fd`.
class EventWriter {
 public:
  explicit EventWriter(int fd) : fd_(fd) {}

  // Writes {"<event>":<body>}. After the reader has gone everything is dropped and reader_gone()
  // says so.
  void Write(const std::string& event, nlohmann::json body);

  // The same for a line that is no event.
  void WriteLine(nlohmann::json line);

  bool reader_gone() const;

 private:
  const int fd_;
  mutable std::mutex mu_;
  bool reader_gone_ = false;  // guarded by mu_
};

}  // namespace laptime::trainer
