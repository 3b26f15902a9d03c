#include <sqlite3.h>

#include <algorithm>
#include <cctype>

#include "storage/run_conditions.h"

namespace laptime::storage {
namespace {

using Operator = RunCondition::Operator;
using Type = RunField::Type;
using Value = RunCondition::Value;

// As SQLite's lower(): ASCII alone.
std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char letter) {
    return letter < 0x80 ? static_cast<char>(std::tolower(letter)) : static_cast<char>(letter);
  });
  return text;
}

// By the very function that SQL's GLOB uses.
bool TextIs(const std::string& text, Operator op, const Value& value) {
  if (op == Operator::kContains) return Lower(text).find(Lower(value.text)) != std::string::npos;
  if (value.pattern) return sqlite3_strglob(value.text.c_str(), text.c_str()) == 0;
  return text == value.text;
}

bool NumberIs(double number, Operator op, const Value& value) {
  switch (op) {
    case Operator::kLess:
      return number < value.number;
    case Operator::kAtMost:
      return number <= value.number;
    case Operator::kMore:
      return number > value.number;
    case Operator::kAtLeast:
      return number >= value.number;
    default:
      return number == value.number;
  }
}

bool ConditionHolds(const RunCondition& condition, const RunLike& row) {
  const std::string& name = condition.field->name;
  const bool unequal = condition.op == Operator::kUnequal;
  const auto any = [&](const auto& holds) {
    return std::ranges::any_of(condition.values, holds) != unequal;
  };
  if (const auto number = row.numbers.find(name); number != row.numbers.end())
    return any([&](const Value& value) { return NumberIs(number->second, condition.op, value); });
  const auto text = row.texts.find(name);
  if (text == row.texts.end()) return false;
  const auto hash = row.texts.find("workload_hash");
  return any([&](const Value& value) {
    if (TextIs(text->second, condition.op, value)) return true;
    return condition.field->type == Type::kWorkload && condition.op != Operator::kContains &&
           !value.pattern && hash != row.texts.end() && hash->second.starts_with(value.text);
  });
}

}  // namespace

bool RunConditions::Matches(const RunLike& row) const {
  return std::ranges::all_of(
      conditions_, [&](const RunCondition& condition) { return ConditionHolds(condition, row); });
}

}  // namespace laptime::storage
