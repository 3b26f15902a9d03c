#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "proto/support/age.h"
#include "proto/support/nearest.h"
#include "proto/support/status.h"
#include "proto/support/workload_spec.h"
#include "storage/run_conditions.h"
#include "storage/time_text.h"

namespace laptime::storage {
namespace {

using Operator = RunCondition::Operator;
using Type = RunField::Type;
using Value = RunCondition::Value;

constexpr char kBlank = ' ';
constexpr char kExample[] = "for example device=studio/mps,validity=clean,since=30d";

// Longer ones first: "<=" begins like "<".
constexpr std::array<std::pair<const char*, Operator>, 7> kOperators{{
    {"!=", Operator::kUnequal},
    {"<=", Operator::kAtMost},
    {">=", Operator::kAtLeast},
    {"=", Operator::kEqual},
    {"<", Operator::kLess},
    {">", Operator::kMore},
    {"~", Operator::kContains},
}};

std::string SymbolOf(Operator wanted) {
  for (const auto& [symbol, op] : kOperators) {
    if (op == wanted) return symbol;
  }
  return "";
}

absl::Status Refuse(const std::string& why, const std::string& hint = kExample) {
  return WithHint(absl::StatusCode::kInvalidArgument, why, hint);
}

std::string Joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

// A piece of text as it was written.
struct Word {
  std::string text;
  bool quoted = false;
};

// Takes words and signs off the front of a filter.
class Scanner {
 public:
  explicit Scanner(const std::string& text) : text_(text) {}

  bool AtEnd() const { return at_ == text_.size(); }

  void SkipBlanks() {
    while (!AtEnd() && text_[at_] == kBlank) ++at_;
  }

  bool Take(const std::string& sign) {
    if (text_.compare(at_, sign.size(), sign) != 0) return false;
    at_ += sign.size();
    return true;
  }

  // Up to one of `ends`, without the blanks around it.
  std::string TakeUpTo(const char* ends) {
    SkipBlanks();
    const size_t end = std::min(text_.find_first_of(ends, at_), text_.size());
    std::string word = text_.substr(at_, end - at_);
    word.resize(word.find_last_not_of(kBlank) + 1);
    at_ = end;
    return word;
  }

  // A value: in quotes, or up to the next comma or bar.
  absl::StatusOr<Word> TakeValue() {
    SkipBlanks();
    if (!Take("\"")) return Word{TakeUpTo(",|"), false};
    Word word{"", true};
    while (!AtEnd()) {
      if (!Take("\"")) {
        word.text += text_[at_++];
        continue;
      }
      if (!Take("\"")) return word;
      word.text += '"';  // two of them stand for one
    }
    return Refuse("a quote is not closed", "within quotes a quote is written twice");
  }

 private:
  const std::string& text_;
  size_t at_ = 0;
};

// ---- values, by the type of their field ----

absl::Status WrongValue(const RunField& field, const std::string& what, const Word& word,
                        const std::string& hint = kExample) {
  return Refuse(field.name + " takes " + what + ", not '" + word.text + "'", hint);
}

absl::Status ReadText(const RunField& field, Operator op, const Word& word, Value& value) {
  value.text = word.text;
  value.pattern = !word.quoted && word.text.find_first_of("*?[") != std::string::npos;
  if (field.name != "device" || word.quoted) return absl::OkStatus();
  if (word.text == "all") {
    value.text = "*";
    value.pattern = true;
  }
  if (value.pattern || op == Operator::kContains || word.text.find('/') != std::string::npos)
    return absl::OkStatus();
  return WrongValue(field, "HOST/DEVICE", word,
                    "host=" + word.text + " means all devices of a host, device=*/" + word.text +
                        " those of that name");
}

// "last" and "last:2" count from the newest.
absl::Status ReadId(const RunField& field, const Word& word, Value& value) {
  constexpr std::string_view kLast = "last";
  value.text = word.text;
  if (word.quoted || !word.text.starts_with(kLast)) return absl::OkStatus();
  value.place = 1;
  if (word.text == kLast) return absl::OkStatus();
  const char* const end = word.text.data() + word.text.size();
  const char* const digits = std::min(word.text.data() + kLast.size() + 1, end);
  const auto [rest, error] = std::from_chars(digits, end, value.place);
  const bool good =
      error == std::errc() && rest == end && value.place >= 1 && word.text[kLast.size()] == ':';
  return good ? absl::OkStatus()
              : WrongValue(field, "the beginning of an id, last or last:2", word);
}

absl::Status ReadChoice(const RunField& field, const Word& word, Value& value) {
  std::string wanted = word.text;
  std::ranges::transform(wanted, wanted.begin(), [](unsigned char letter) {
    return letter == '_' || letter == '-' ? kBlank : static_cast<char>(std::tolower(letter));
  });
  std::vector<std::string> words;
  for (const auto& [name, number] : field.choices) {
    words.push_back(name);
    value.number = static_cast<double>(number);
    if (name == wanted) return absl::OkStatus();
  }
  const auto nearest = Nearest(wanted, words);
  return WrongValue(field, "one of " + Joined(words, ", "), word,
                    nearest ? "did you mean '" + field.name + "=" + *nearest + "'?" : kExample);
}

absl::Status ReadBoolean(const RunField& field, const Word& word, Value& value) {
  value.number = word.text == "true" ? 1 : 0;
  if (word.text == "true" || word.text == "false") return absl::OkStatus();
  return WrongValue(field, "true or false", word);
}

absl::Status ReadNumber(const RunField& field, const Word& word, Value& value) {
  const std::optional<double> number = ParseNumber(word.text);
  if (!number) return WrongValue(field, "a number", word);
  value.number = *number;
  return absl::OkStatus();
}

absl::Status ReadTime(const RunField& field, const Word& word, int64_t now_unix_ms, Value& value) {
  const bool window = field.type == Type::kWindow;
  if (const std::optional<int64_t> age = ParseAge(word.text); window && age) {
    value.begin = now_unix_ms - *age;
    value.end = value.begin + 1;
    return absl::OkStatus();
  }
  const std::optional<Instants> instants = ParseInstants(word.text);
  if (!instants) {
    return WrongValue(
        field, window ? "30d, 12h, 45m, 2w or a time" : "a time", word,
        window ? "times are 2026-11-01 or 2026-11-01T08:30, UTC"
               : "times are 2026-11-01 or 2026-11-01T08:30, UTC; since=30d counts back from now");
  }
  value.begin = instants->begin;
  value.end = instants->end;
  return absl::OkStatus();
}

absl::Status ReadValue(const RunField& field, Operator op, const Word& word, int64_t now_unix_ms,
                       Value& value) {
  switch (field.type) {
    case Type::kText:
    case Type::kWorkload:
      return ReadText(field, op, word, value);
    case Type::kId:
      return ReadId(field, word, value);
    case Type::kChoice:
      return ReadChoice(field, word, value);
    case Type::kBoolean:
      return ReadBoolean(field, word, value);
    case Type::kNumber:
      return ReadNumber(field, word, value);
    case Type::kTime:
    case Type::kWindow:
      break;
  }
  return ReadTime(field, word, now_unix_ms, value);
}

// ---- conditions ----

bool Takes(const RunField& field, const std::string& symbol) {
  return (" " + OperatorsOf(field.type) + " ").find(" " + symbol + " ") != std::string::npos;
}

absl::Status UnknownField(const std::string& name) {
  std::vector<std::string> names;
  for (const RunField& field : RunFields()) names.push_back(field.name);
  const auto nearest = Nearest(name, names);
  return Refuse("unknown condition '" + name + "'",
                (nearest ? "did you mean '" + *nearest + "'? " : "") +
                    ("conditions: " + Joined(names, " ") + " label.NAME config.KEY"));
}

// A data set's plain name stands with the job, before the run has read it; with its hash it is the
// run's.
const RunField* FieldFor(const std::string& name, const std::vector<Word>& words) {
  const RunField* field = FindRunField(name);
  const bool plain = std::ranges::none_of(
      words, [](const Word& word) { return word.text.find('@') != std::string::npos; });
  if (name == "dataset" && plain) return FindRunField("config.dataset");
  return field;
}

absl::StatusOr<std::vector<Word>> TakeValues(Scanner& scanner, const std::string& said) {
  std::vector<Word> words;
  do {
    absl::StatusOr<Word> word = scanner.TakeValue();
    if (!word.ok()) return word.status();
    if (word->text.empty() && !word->quoted) return Refuse("nothing behind '" + said + "'");
    words.push_back(*std::move(word));
    scanner.SkipBlanks();
  } while (scanner.Take("|"));
  if (words.size() <= kMaxConditionValues) return words;
  return Refuse(
      "more than " + std::to_string(kMaxConditionValues) + " values behind '" + said + "'",
      "use a pattern such as host=lab-*, or several filters");
}

// The operator and its symbol; nothing when the next sign is none.
std::optional<Operator> TakeOperator(Scanner& scanner) {
  scanner.SkipBlanks();
  for (const auto& [symbol, op] : kOperators) {
    if (scanner.Take(symbol)) return op;
  }
  return std::nullopt;
}

absl::StatusOr<RunCondition> TakeCondition(Scanner& scanner, int64_t now_unix_ms) {
  const std::string name = scanner.TakeUpTo("!=<>~,");
  const std::optional<Operator> op = TakeOperator(scanner);
  if (!op) return Refuse("'" + name + "' is no condition");
  RunCondition condition{nullptr, "", *op, {}};
  if (FindRunField(name) == nullptr) return UnknownField(name);
  const std::string symbol = SymbolOf(*op);
  absl::StatusOr<std::vector<Word>> words = TakeValues(scanner, name + symbol);
  if (!words.ok()) return words.status();
  condition.field = FieldFor(name, *words);
  if (name.starts_with(kLabelPrefix))
    condition.label = name.substr(std::string_view(kLabelPrefix).size());
  if (!Takes(*condition.field, symbol))
    return Refuse(name + " takes " + OperatorsOf(condition.field->type) + ", not " + symbol);
  const bool one =
      condition.field->type == Type::kWindow ||
      (*op != Operator::kEqual && *op != Operator::kUnequal && *op != Operator::kContains);
  if (one && words->size() > 1) return Refuse("'" + name + symbol + "' takes one value");
  for (const Word& word : *words) {
    LAPTIME_RETURN_IF_ERROR(
        ReadValue(*condition.field, *op, word, now_unix_ms, condition.values.emplace_back()));
  }
  return condition;
}

absl::Status CheckText(const std::string& text) {
  if (text.size() > kMaxFilterBytes) {
    return Refuse("it is longer than " + std::to_string(kMaxFilterBytes) + " bytes",
                  "use patterns such as host=lab-*, or several filters");
  }
  if (std::ranges::any_of(text, [](unsigned char letter) { return std::iscntrl(letter) != 0; }))
    return Refuse("it holds a control character");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<RunCondition>> TakeAll(const std::string& text, int64_t now_unix_ms) {
  LAPTIME_RETURN_IF_ERROR(CheckText(text));
  std::vector<RunCondition> conditions;
  Scanner scanner(text);
  scanner.SkipBlanks();
  if (scanner.AtEnd()) return conditions;
  do {
    absl::StatusOr<RunCondition> condition = TakeCondition(scanner, now_unix_ms);
    if (!condition.ok()) return condition.status();
    conditions.push_back(*std::move(condition));
    if (conditions.size() > kMaxFilterConditions)
      return Refuse("it has more than " + std::to_string(kMaxFilterConditions) + " conditions");
  } while (scanner.Take(","));
  if (scanner.AtEnd()) return conditions;
  return Refuse("a comma is missing before '" + scanner.TakeUpTo("") + "'");
}

}  // namespace

absl::StatusOr<RunConditions> RunConditions::Parse(const std::string& text, int64_t now_unix_ms,
                                                   const std::string& noun) {
  constexpr size_t kMaxEcho = 80;
  RunConditions parsed;
  absl::StatusOr<std::vector<RunCondition>> conditions = TakeAll(text, now_unix_ms);
  if (conditions.ok()) {
    parsed.conditions_ = *std::move(conditions);
    return parsed;
  }
  const std::string shown = text.size() <= kMaxEcho ? text : text.substr(0, kMaxEcho) + "…";
  return WithHint(conditions.status().code(),
                  noun + " '" + shown + "': " + MessageOf(conditions.status()),
                  HintOf(conditions.status()));
}

void RunConditions::AddWorkload(const std::string& workload) {
  RunCondition& condition = conditions_.emplace_back();
  condition.field = FindRunField("workload");
  condition.values.emplace_back().text = workload;
}

void RunConditions::AddSince(int64_t unix_ms) {
  RunCondition& condition = conditions_.emplace_back();
  condition.field = FindRunField("since");
  condition.values.emplace_back().begin = unix_ms;
}

bool LooksLikeConditions(const std::string& text) {
  Scanner scanner(text);
  const std::string name = scanner.TakeUpTo("!=<>~,");
  return TakeOperator(scanner).has_value() && FindRunField(name) != nullptr;
}

}  // namespace laptime::storage
