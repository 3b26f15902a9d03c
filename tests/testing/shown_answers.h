#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace laptime::testing {

// One text that the client prints.
struct ShownText {
  enum class Kind { kScreen, kJson, kCsv, kMarkdown };
  Kind kind = Kind::kScreen;
  std::string text;
  size_t columns = 0;  // of a Markdown table
};

// A message that a coordinator answers with, and everything that the client makes of it.
struct ShownAnswer {
  std::unique_ptr<google::protobuf::Message> type;  // an empty one
  std::function<std::vector<ShownText>(const google::protobuf::Message&)> show;
};

// Every kind of answer that the client prints, in all of its formats, without colours.
std::vector<ShownAnswer> ShownAnswers();

// What the text would do to its reader (output_dangers.h); empty when nothing.
std::string DangerOf(const ShownText& shown);

}  // namespace laptime::testing
