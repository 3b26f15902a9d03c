#pragma once

#include <string>
#include <vector>

#include "laptime/v1/common.pb.h"
#include "storage/sqlite/statements.h"

namespace laptime::storage {

// Where a field of v1::Epoch lies in table epoch.
struct EpochColumn {
  const char* column;
  const char* part;  // the message within the epoch that holds the field; empty = the epoch itself
  const char* field;
};

// Every column but `attempt`, `number` and `not_a_number`, in the order in which EpochFrom reads
// them.
const std::vector<EpochColumn>& EpochColumns();

// "started_unix_ms, ended_unix_ms, …, not_a_number": what EpochFrom reads, from column `first` on.
// The number of the epoch is the caller's.
std::string EpochColumnNames();
v1::Epoch EpochFrom(const Query& query, int first);

// Binds the same columns from parameter `first` on. A field that is absent becomes NULL; a NaN,
// which SQLite cannot hold, becomes NULL and its column is named in `not_a_number`.
void BindEpoch(const v1::Epoch& epoch, Query& query, int first);

}  // namespace laptime::storage
