#pragma once

#include <optional>
#include <string>
#include <utility>

#include "client/format.h"
#include "client/grid.h"

// An optional field of a message as std::optional.
#define LAPTIME_MEASURED(message, field) \
  ((message).has_##field() ? std::make_optional((message).field()) : std::nullopt)

namespace laptime::client {

// Short ways to describe the usual columns. `name` is the csv name and, where there is one, the
// JSON field; `get` takes the row's message.

// kSparse: on narrow pages only where a row has a value.
enum class Shown { kAlways, kSparse, kWide };

template <typename Row, typename Get>
Column<Row> TextColumn(const std::string& name, const std::string& header, Get get,
                       Shown shown = Shown::kAlways) {
  return {{name, header, false, shown == Shown::kWide, shown == Shown::kSparse},
          [get](const Row& row) { return TextCell(get(row)); }};
}

template <typename Row, typename Get>
Column<Row> NumberColumn(const std::string& name, const std::string& header, Get get,
                         Shown shown = Shown::kAlways) {
  return {{name, header, true, shown == Shown::kWide, shown == Shown::kSparse},
          [get](const Row& row) { return NumberCell(get(row)); }};
}

// `get` returns std::optional<double>; `show` makes the text for people.
template <typename Row, typename Get>
Column<Row> MeasuredColumn(const std::string& name, const std::string& header, Get get,
                           std::string (*show)(double), Shown shown = Shown::kAlways) {
  return {{name, header, true, shown == Shown::kWide, shown == Shown::kSparse},
          [get, show](const Row& row) { return MeasuredCell(get(row), show); }};
}

// `get` returns std::optional<int64_t>, milliseconds since 1970.
template <typename Row, typename Get>
Column<Row> TimeColumn(const std::string& name, const std::string& header, Get get,
                       Shown shown = Shown::kAlways) {
  return {{name, header, false, shown == Shown::kWide, shown == Shown::kSparse},
          [get](const Row& row) { return TimeCell(get(row)); }};
}

inline std::string Significant3(double value) { return Significant(value); }
inline std::string Times3(double factor) { return Times(factor); }
inline std::string Accuracy(double value) { return Significant(value, value < 0.1 ? 2 : 3); }

}  // namespace laptime::client
