#pragma once

#include <optional>
#include <string>

#include "laptime/v1/agent.pb.h"
#include "laptime/v1/control.pb.h"
#include "storage/reader.h"
#include "storage/sqlite/statements.h"

namespace laptime::storage {

// A kind of row: the columns to select, the tables they come from, and how many columns there are
// (a query may select more after them). Each …From below reads the columns of its kind from column
// 0 on.
struct RowKind {
  std::string columns;
  std::string from;
  int count;
};

const RowKind& HostRows();
const RowKind& DeviceRows();
const RowKind& JobRows();  // grouped: a query ends in GROUP BY job.key
const RowKind& RunRows();
const RowKind& AttemptRows();     // v1::Attempt
const RowKind& AttemptRefRows();  // AttemptRow

v1::Host HostFrom(const Query& query);
DeviceRow DeviceFrom(const Query& query);  // without labels
v1::Job JobFrom(const Query& query);
v1::Run RunFrom(const Query& query);
v1::Attempt AttemptFrom(const Query& query);
AttemptRow AttemptRefFrom(const Query& query);

// "SELECT columns[, more] FROM from rest".
std::string Select(const RowKind& kind, const std::string& rest, const std::string& more = "");

// "CANCELLED" of RUN_STATE_CANCELLED and ATTEMPT_STATE_CANCELLED.
std::string NameOf(v1::RunState state);
std::string NameOf(v1::AttemptState state);

// A field as a nullable column, by its has_ and get methods.
template <typename Message, typename Value>
std::optional<Value> Measured(const Message& message, bool (Message::*has)() const,
                              Value (Message::*get)() const) {
  if (!(message.*has)()) return std::nullopt;
  return (message.*get)();
}

}  // namespace laptime::storage
