#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"
#include "storage/store.h"

namespace laptime {

inline constexpr int kMaxNoteCharacters = 1000;
inline constexpr int kMaxAuthorCharacters = 64;
inline constexpr int kMaxNotesPerRun = 1000;

// Adds the remark to the run and returns the run's id; blocks until it is durable.
// kInvalidArgument: text or author are not allowed; kNotFound, kAborted: of the id;
// kResourceExhausted: the run has as many remarks as it may have.
absl::StatusOr<std::string> AnnotateRun(storage::Store& store,
                                        const v1::AnnotateRunRequest& request, int64_t now_unix_ms);

}  // namespace laptime
