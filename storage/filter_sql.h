#pragma once

#include <string>

#include "storage/reader.h"
#include "storage/sqlite/statements.h"

namespace laptime::storage {

// A filter as SQL about the rows of table `run`. Only what is asked for is in the text, so that
// SQLite can choose an index. `filter` must outlive it.
class FilterSql {
 public:
  // Its parameters are numbered from `first`.
  FilterSql(const RunFilter& filter, int first) : filter_(filter), first_(first) {}

  // " AND …" for each condition.
  std::string Text() const;
  void Bind(Query& query) const;

 private:
  const RunFilter& filter_;
  const int first_;
};

}  // namespace laptime::storage
