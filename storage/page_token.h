#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "storage/reader.h"

namespace laptime::storage {

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;

// Lists go from the newest key down. A token says after which key the next page begins, so that new
// rows never shift a page; `list` ('j' jobs, 'r' runs) keeps one list's tokens out of another.
std::string PageToken(char list, int64_t last_key);

// Where a page begins and how long it is.
struct PageBounds {
  int64_t before_key = 0;  // keys of the page are smaller
  int size = kDefaultPageSize;
};

// kInvalidArgument: a token of another list or of nobody, or a size outside 0 (the default) to
// kMaxPageSize.
absl::StatusOr<PageBounds> BoundsOf(char list, const Page& page);

}  // namespace laptime::storage
