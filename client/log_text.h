#pragma once

#include <cstdint>
#include <string>

#include "laptime/v1/control.pb.h"

namespace laptime::client {

// Joins the pieces of a run's log, which may come in several answers, and says where something was
// left out. A value; used by one thread.
class LogText {
 public:
  explicit LogText(int64_t from_offset = 0) : next_offset_(from_offset) {}

  // The text of `pieces` that was not returned before, safe for a terminal, with a line "… N bytes
  // left out …" for each gap.
  std::string Append(const google::protobuf::RepeatedPtrField<v1::LogPiece>& pieces);

  // Where the next answer should start.
  int64_t next_offset() const { return next_offset_; }

 private:
  int64_t next_offset_;
};

}  // namespace laptime::client
