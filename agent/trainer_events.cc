#include "agent/trainer_events.h"

#include <google/protobuf/util/json_util.h>

#include "agent/log_tail.h"
#include "proto/support/log.h"

namespace laptime::agent {
namespace {

constexpr size_t kExcerptBytes = 100;

}  // namespace

absl::StatusOr<std::vector<std::string>> LineReader::Append(const std::string& bytes) {
  std::vector<std::string> lines;
  size_t begin = 0;
  for (size_t end = bytes.find('\n'); end != std::string::npos; end = bytes.find('\n', begin)) {
    rest_.append(bytes, begin, end - begin);
    begin = end + 1;
    if (rest_.size() > kMaxLineBytes) break;
    if (!rest_.empty()) lines.push_back(std::move(rest_));
    rest_.clear();
  }
  if (rest_.size() <= kMaxLineBytes) rest_.append(bytes, begin, std::string::npos);
  if (rest_.size() > kMaxLineBytes) {
    return absl::ResourceExhaustedError("printed a line of more than " +
                                        std::to_string(kMaxLineBytes) +
                                        " bytes: " + Excerpt(rest_));
  }
  return lines;
}

absl::StatusOr<v1::TrainerEvent> ParseTrainerEvent(const std::string& line) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  v1::TrainerEvent event;
  if (!google::protobuf::util::JsonStringToMessage(line, &event, options).ok()) {
    return absl::InvalidArgumentError("printed a line that is no event: " + Excerpt(line));
  }
  return event;
}

std::string Excerpt(const std::string& text) {
  return AsUtf8(Printable(text.substr(0, kExcerptBytes)));
}

}  // namespace laptime::agent
