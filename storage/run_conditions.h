#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/run_fields.h"

namespace laptime::storage {

class Query;

inline constexpr size_t kMaxFilterBytes = 2000;
inline constexpr size_t kMaxFilterConditions = 32;
inline constexpr size_t kMaxConditionValues = 64;  // of one condition: a|b|c

// One condition of the filter language, checked: `validity=clean|suspect`.
struct RunCondition {
  enum class Operator { kEqual, kUnequal, kLess, kAtMost, kMore, kAtLeast, kContains };

  struct Value {
    std::string text;      // kText, kWorkload, kId without "last"
    bool pattern = false;  // `text` holds * ? or [ and stands outside quotes
    double number = 0;     // kNumber, kChoice, kBoolean
    int64_t begin = 0;     // kTime, kWindow: milliseconds since 1970, `end` beyond it
    int64_t end = 0;
    int64_t place = 0;  // kId: "last" is 1, "last:2" is 2; 0 for an id
  };

  const RunField* field = nullptr;
  std::string label;  // of label.NAME
  Operator op = Operator::kEqual;
  std::vector<Value> values;  // at least one; it holds when it holds for one of them
};

// What is not a run and can be filtered like one, by field names: an imported result. A field that
// is in neither map meets no condition.
struct RunLike {
  std::map<std::string, std::string> texts;  // "workload_hash" is looked at for `workload` too
  std::map<std::string, double> numbers;     // choices and booleans by their numbers
};

// Conditions on runs that all hold: what people write to say which runs they mean.
//
//   device=studio/mps, workload=simclr-cifar10, validity=clean|suspect, since=30d
//
// Commas between conditions, `|` between values, blanks around either are ignored. A value in
// double quotes is taken as it is, "" standing for a quote. What was not measured meets no
// condition, `!=` included. A value.
class RunConditions {
 public:
  // `now`: what ages count back from. `noun` is what the text is called in errors.
  // kInvalidArgument with a hint. An empty text holds for every run.
  static absl::StatusOr<RunConditions> Parse(const std::string& text, int64_t now_unix_ms,
                                             const std::string& noun = "filter");

  // Adds workload=…, a preset or the beginning of a hash taken as it is, and since=….
  void AddWorkload(const std::string& workload);
  void AddSince(int64_t unix_ms);

  bool empty() const { return conditions_.empty(); }
  const std::vector<RunCondition>& conditions() const { return conditions_; }

  // "a AND b" about the rows of table `run`, which must be called that; "1" when there are none. It
  // holds no text of the person's: values are parameters, numbered from `first`.
  std::string Sql(int first) const;
  // Binds what Sql(first) left open; returns the number of the next free parameter.
  int Bind(Query& query, int first) const;

  bool Matches(const RunLike& row) const;

 private:
  std::vector<RunCondition> conditions_;
};

// True when `text` begins with the name of a field and an operator, as a filter does and the id of
// a run, a job or a device does not.
bool LooksLikeConditions(const std::string& text);

}  // namespace laptime::storage
