#include "storage/page_token.h"

#include <charconv>
#include <limits>

#include "proto/support/status.h"

namespace laptime::storage {
namespace {

constexpr int kBase = 16;

}  // namespace

std::string PageToken(char list, int64_t last_key) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), last_key, kBase);
  return list + std::string(digits, end);
}

absl::StatusOr<PageBounds> BoundsOf(char list, const Page& page) {
  if (page.size < 0 || page.size > kMaxPageSize) {
    return absl::InvalidArgumentError("page size " + std::to_string(page.size) +
                                      " is not within 0 to " + std::to_string(kMaxPageSize));
  }
  PageBounds bounds;
  bounds.before_key = std::numeric_limits<int64_t>::max();
  if (page.size > 0) bounds.size = page.size;
  if (page.token.empty()) return bounds;
  const char* const begin = page.token.data();
  const char* const end = begin + page.token.size();
  const auto [rest, error] = std::from_chars(begin + 1, end, bounds.before_key, kBase);
  if (*begin != list || error != std::errc() || rest != end || bounds.before_key < 1) {
    return WithHint(absl::StatusCode::kInvalidArgument, "page token is not one of this list",
                    "take next_page_token of the page before");
  }
  return bounds;
}

}  // namespace laptime::storage
