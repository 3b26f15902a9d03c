#include "proto/support/access_token.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "proto/support/status.h"

namespace laptime {
namespace {

constexpr std::string_view kPrefix = "laptime1";
constexpr size_t kIdDigits = 12;
constexpr size_t kSecretDigits = 32;
constexpr size_t kHashDigits = 64;

std::string Trimmed(const std::string& text) {
  constexpr char kBlanks[] = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

bool IsHex(const std::string& text, size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::string AccessToken::text() const {
  return std::string(kPrefix) + "_" + id + "_" + secret + "_" + ca_sha256;
}

std::string AccessToken::bearer() const { return id + "." + secret; }

absl::StatusOr<AccessToken> ParseAccessToken(const std::string& text) {
  std::array<std::string, 4> parts;
  size_t part = 0;
  for (const char letter : Trimmed(text)) {
    if (letter != '_') {
      parts[part] += letter;
    } else if (++part == parts.size()) {
      break;
    }
  }
  const bool good = part == parts.size() - 1 && parts[0] == kPrefix && IsHex(parts[1], kIdDigits) &&
                    IsHex(parts[2], kSecretDigits) && IsHex(parts[3], kHashDigits);
  if (good) return AccessToken{parts[1], parts[2], parts[3]};
  return WithHint(absl::StatusCode::kInvalidArgument, "that is no token of a coordinator",
                  "it is one line, laptime1_…, as `laptime token create` printed it");
}

}  // namespace laptime
