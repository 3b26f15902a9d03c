#include "client/text.h"

#include <utf8proc.h>

#include <algorithm>
#include <optional>

#include "proto/support/log.h"
#include "proto/support/nearest.h"

namespace laptime::client {
namespace {

// The character at `at` and its length in bytes; a negative character where the bytes are no UTF-8.
struct Character {
  utf8proc_int32_t code = -1;
  size_t bytes = 1;
};

Character At(const std::string& text, size_t at) {
  Character character;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at;
  const auto left = static_cast<utf8proc_ssize_t>(text.size() - at);
  const utf8proc_ssize_t used = utf8proc_iterate(bytes, left, &character.code);
  if (used > 0) {
    character.bytes = static_cast<size_t>(used);
  } else {
    character.code = -1;
  }
  return character;
}

bool TurnsDirectionOrBreaksLine(utf8proc_int32_t code) {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
         code == 0x200E || code == 0x200F || code == 0x061C || code == 0x2028 || code == 0x2029;
}

}  // namespace

std::string SafeText(const std::string& text, bool keep_lines) {
  const std::string printable = Printable(text, keep_lines);
  std::string safe;
  safe.reserve(printable.size());
  for (size_t at = 0; at < printable.size();) {
    const Character character = At(printable, at);
    const bool shown = character.code >= 0 && !TurnsDirectionOrBreaksLine(character.code);
    safe += shown ? printable.substr(at, character.bytes) : "?";
    at += character.bytes;
  }
  return safe;
}

int DisplayWidth(const std::string& text) {
  int width = 0;
  for (size_t at = 0; at < text.size();) {
    const Character character = At(text, at);
    width += character.code < 0 ? 1 : utf8proc_charwidth(character.code);
    at += character.bytes;
  }
  return width;
}

std::string Truncate(const std::string& text, int width) {
  if (DisplayWidth(text) <= width) return text;
  if (width <= 0) return "";
  std::string cut;
  int used = 1;  // the ellipsis
  for (size_t at = 0; at < text.size();) {
    const Character character = At(text, at);
    used += character.code < 0 ? 1 : utf8proc_charwidth(character.code);
    if (used > width) break;
    cut += text.substr(at, character.bytes);
    at += character.bytes;
  }
  return cut + "…";
}

std::string Pad(const std::string& text, int width, bool right_aligned) {
  const std::string fill(static_cast<size_t>(std::max(0, width - DisplayWidth(text))), ' ');
  return right_aligned ? fill + text : text + fill;
}

std::string Joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) text += (i == 0 ? "" : between) + words[i];
  return text;
}

std::string NearestHint(const std::string& word, const std::vector<std::string>& names,
                        const std::string& hint) {
  const std::optional<std::string> nearest = Nearest(word, names);
  return nearest ? "did you mean '" + *nearest + "'? " + hint : hint;
}

}  // namespace laptime::client
