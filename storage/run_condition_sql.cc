#include <variant>

#include "storage/run_conditions.h"
#include "storage/sqlite/statements.h"

namespace laptime::storage {
namespace {

using Of = RunField::Of;
using Operator = RunCondition::Operator;
using Type = RunField::Type;
using Value = RunCondition::Value;

using Parameter = std::variant<int64_t, double, std::string>;

// The parameters of a statement in the order in which its text names them.
class Parameters {
 public:
  explicit Parameters(int first) : first_(first) {}

  // "?7" for the value that is bound there.
  std::string Add(Parameter value) {
    values_.push_back(std::move(value));
    return "?" + std::to_string(next() - 1);
  }

  int next() const { return first_ + static_cast<int>(values_.size()); }

  void Bind(Query& query) const {
    int index = first_;
    for (const Parameter& value : values_) {
      std::visit([&](const auto& one) { query.BindAt(index, one); }, value);
      ++index;
    }
  }

 private:
  const int first_;
  std::vector<Parameter> values_;
};

const char* SqlOperator(Operator op) {
  switch (op) {
    case Operator::kLess:
      return " < ";
    case Operator::kAtMost:
      return " <= ";
    case Operator::kMore:
      return " > ";
    case Operator::kAtLeast:
      return " >= ";
    default:
      return " = ";  // kUnequal is put around it
  }
}

std::string TextIs(const std::string& sql, Operator op, const Value& value,
                   Parameters& parameters) {
  const std::string wanted = parameters.Add(value.text);
  if (op == Operator::kContains) return "instr(lower(" + sql + "), lower(" + wanted + ")) > 0";
  return sql + (value.pattern ? " GLOB " : " = ") + wanted;
}

// '~' sorts after every letter of an id or a hash.
std::string BeginsWith(const std::string& sql, const Value& value, Parameters& parameters) {
  const std::string begin = parameters.Add(value.text);
  return sql + " >= " + begin + " AND " + sql + " < " + begin + " || '~'";
}

std::string IdIs(const RunField& field, const Value& value, Parameters& parameters) {
  if (value.place == 0) return BeginsWith(field.sql, value, parameters);
  const std::string table = field.of == Of::kJob ? "job" : "run";
  return table + ".key = (SELECT key FROM " + table + " ORDER BY key DESC LIMIT 1 OFFSET " +
         parameters.Add(value.place - 1) + ")";
}

// The stretch of time that a value names lies between its begin and its end.
std::string TimeIs(const std::string& sql, Operator op, const Value& value,
                   Parameters& parameters) {
  switch (op) {
    case Operator::kLess:
      return sql + " < " + parameters.Add(value.begin);
    case Operator::kAtMost:
      return sql + " < " + parameters.Add(value.end);
    case Operator::kMore:
      return sql + " >= " + parameters.Add(value.end);
    case Operator::kAtLeast:
      return sql + " >= " + parameters.Add(value.begin);
    default:
      break;
  }
  const std::string begin = parameters.Add(value.begin);
  return sql + " >= " + begin + " AND " + sql + " < " + parameters.Add(value.end);
}

// Whether the field has that value, by the field's table.
std::string Holds(const RunCondition& condition, const Value& value, Parameters& parameters) {
  const RunField& field = *condition.field;
  switch (field.type) {
    case Type::kText:
      return TextIs(field.sql, condition.op, value, parameters);
    case Type::kWorkload: {
      const std::string preset = TextIs(field.sql, condition.op, value, parameters);
      if (condition.op == Operator::kContains || value.pattern) return preset;
      return preset + " OR " + BeginsWith("job.workload", value, parameters);
    }
    case Type::kId:
      return IdIs(field, value, parameters);
    case Type::kTime:
      return TimeIs(field.sql, condition.op, value, parameters);
    case Type::kWindow:
      return TimeIs(field.sql, field.name == "since" ? Operator::kAtLeast : Operator::kAtMost,
                    value, parameters);
    case Type::kChoice:
    case Type::kBoolean:
    case Type::kNumber:
      break;
  }
  return field.sql + SqlOperator(condition.op) + parameters.Add(value.number);
}

// "(a) OR (b)" over the values.
std::string AnyHolds(const RunCondition& condition, Parameters& parameters) {
  std::string text;
  for (const Value& value : condition.values)
    text += (text.empty() ? "(" : " OR (") + Holds(condition, value, parameters) + ")";
  return text;
}

// A subquery is about few rows and runs once; what is left is a set of keys, for which the run's
// indices are good.
std::string ConditionSql(const RunCondition& condition, Parameters& parameters) {
  const std::string label =
      condition.label.empty() ? "" : "device_label.label = " + parameters.Add(condition.label);
  const std::string any = AnyHolds(condition, parameters);
  const bool unequal = condition.op == Operator::kUnequal;
  const std::string holds = unequal ? "NOT (" + any + ")" : "(" + any + ")";
  switch (condition.field->of) {
    case Of::kRun:
      break;
    case Of::kJob:
      return "run.job IN (SELECT job.key FROM job WHERE " + holds + ")";
    case Of::kDevice:
      return "run.device IN (SELECT device.key FROM device JOIN host ON host.id = device.host "
             "WHERE " +
             holds + ")";
    case Of::kLabel:
      return "run.device IN (SELECT device_label.device FROM device_label WHERE " + label +
             " AND " + holds + ")";
    case Of::kSegment:
      return "run.segment IN (SELECT segment.name FROM segment WHERE " + holds + ")";
    case Of::kNote:
      // A run has many notes: none of them may be it.
      return std::string(unequal ? "run.key NOT IN" : "run.key IN") +
             " (SELECT annotation.run FROM annotation WHERE " + any + ")";
  }
  return holds;
}

std::string Write(const std::vector<RunCondition>& conditions, Parameters& parameters) {
  std::string text;
  for (const RunCondition& condition : conditions)
    text += (text.empty() ? "" : " AND ") + ConditionSql(condition, parameters);
  return text.empty() ? "1" : text;
}

}  // namespace

std::string RunConditions::Sql(int first) const {
  Parameters parameters(first);
  return Write(conditions_, parameters);
}

int RunConditions::Bind(Query& query, int first) const {
  Parameters parameters(first);
  Write(conditions_, parameters);
  parameters.Bind(query);
  return parameters.next();
}

}  // namespace laptime::storage
