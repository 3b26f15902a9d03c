#pragma once

#include <string>

#include "storage/reader.h"
#include "storage/sqlite/statements.h"

namespace laptime::storage {

// A filter as SQL about the rows of table `run`. Only what is asked for is in the text, so that
// SQLite can choose an index.
class FilterSql {
 public:
  // Its parameters are numbered from `first`.
  FilterSql(RunFilter filter, int first);

  // " AND …" for each condition.
  std::string Text() const;
  void Bind(Query& query) const;

 private:
  RunFilter filter_;
  const int first_;
};

// The filter's runs that have succeeded.
RunFilter Succeeded(RunFilter filter);

}  // namespace laptime::storage
