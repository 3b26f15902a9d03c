#include "server/annotate_run.h"

#include <algorithm>
#include <vector>

#include "proto/support/status.h"

namespace laptime {
namespace {

constexpr char kBlanks[] = " \t\n";

std::string Trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// protobuf has checked that texts are UTF-8.
int64_t Characters(const std::string& text) {
  constexpr unsigned char kContinuationMask = 0xc0;
  constexpr unsigned char kContinuation = 0x80;
  return std::ranges::count_if(
      text, [](unsigned char byte) { return (byte & kContinuationMask) != kContinuation; });
}

absl::Status CheckText(const std::string& what, const std::string& text, int most) {
  const std::string hint = "it takes 1 to " + std::to_string(most) + " characters";
  if (text.empty()) return WithHint(absl::StatusCode::kInvalidArgument, what + " is empty", hint);
  if (const int64_t count = Characters(text); count > most) {
    return WithHint(absl::StatusCode::kInvalidArgument,
                    what + " has " + std::to_string(count) + " characters", hint);
  }
  const bool control = std::ranges::any_of(text, [](unsigned char byte) {
    constexpr unsigned char kDelete = 0x7f;
    return (byte < ' ' && byte != '\n' && byte != '\t') || byte == kDelete;
  });
  if (!control) return absl::OkStatus();
  return absl::InvalidArgumentError(what + " holds a control character");
}

}  // namespace

absl::StatusOr<std::string> AnnotateRun(storage::Store& store,
                                        const v1::AnnotateRunRequest& request,
                                        int64_t now_unix_ms) {
  v1::Annotation annotation;
  annotation.set_at_unix_ms(now_unix_ms);
  annotation.set_text(Trimmed(request.text()));
  annotation.set_author(Trimmed(request.author()));
  LAPTIME_RETURN_IF_ERROR(CheckText("the note", annotation.text(), kMaxNoteCharacters));
  LAPTIME_RETURN_IF_ERROR(CheckText("the author", annotation.author(), kMaxAuthorCharacters));
  std::string run_id;
  LAPTIME_RETURN_IF_ERROR(store.Write([&](storage::Transaction& tx) -> absl::Status {
    absl::StatusOr<std::string> id = tx.ResolveRunId(request.id());
    if (!id.ok()) return id.status();
    absl::StatusOr<std::vector<v1::Annotation>> notes = tx.Annotations(*id);
    if (!notes.ok()) return notes.status();
    if (static_cast<int>(notes->size()) >= kMaxNotesPerRun) {
      return absl::ResourceExhaustedError("run " + *id + " has " + std::to_string(kMaxNotesPerRun) +
                                          " notes already");
    }
    run_id = *id;
    return tx.InsertAnnotation(*id, annotation);
  }));
  return run_id;
}

}  // namespace laptime
