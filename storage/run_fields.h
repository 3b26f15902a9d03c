#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace laptime::storage {

// What a condition of the filter language may be about. This table is the only place that knows
// the names: the parser, the SQL and the documentation are made from it.
struct RunField {
  enum class Type {
    kText,      // = and != take * and ?; ~ looks for a part, upper and lower case alike
    kId,        // the beginning of an id, last or last:2
    kWorkload,  // a preset, with * and ?, or the beginning of a hash
    kChoice,    // one of `choices`
    kBoolean,   // true, false
    kNumber,
    kTime,    // milliseconds since 1970; 2026-11-01, or 2026-11-01T08:30
    kWindow,  // since and until: an age before now, or a time
  };
  // The table whose row `sql` is about; the run's, or one that belongs to it.
  enum class Of { kRun, kJob, kDevice, kLabel, kNote, kSegment };

  std::string name;
  Type type = Type::kText;
  Of of = Of::kRun;
  std::string sql;
  std::string help;
  std::vector<std::pair<std::string, int64_t>> choices;  // kChoice: word and stored number
};

// Those with names of their own, then every key of the workload that none of them hides.
const std::vector<RunField>& RunFields();

// The field called `name`: one of RunFields, "config.KEY" of any workload key, or "label.NAME" of a
// device's label. nullptr when there is none. What it returns lives as long as the process.
const RunField* FindRunField(const std::string& name);

// "label." begins the name of a field for each label that devices have.
inline constexpr char kLabelPrefix[] = "label.";

// What people may write, as a Markdown table: name, operators, values, what it is.
std::string RunFieldsReference();

// The operators that conditions on such a field take, for people: "= != ~".
std::string OperatorsOf(RunField::Type type);

}  // namespace laptime::storage
