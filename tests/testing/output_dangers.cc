#include "tests/testing/output_dangers.h"

#include <cstdint>
#include <cstdlib>

namespace laptime::testing {
namespace {

struct Letter {
  int64_t code = -1;  // negative: no UTF-8
  size_t bytes = 1;
};

Letter LetterAt(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  static constexpr int64_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return {};
  int64_t code = first & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(at + i) & 0x3F);
  }
  if (code < kLeast[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, length};
}

bool Turns(int64_t code) {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
         code == 0x200E || code == 0x200F || code == 0x061C;
}

// "\033[2m", "\033[32m" and the like: colours, which only colour.
size_t ColorAt(const std::string& text, size_t at) {
  if (text.compare(at, 2, "\033[") != 0) return 0;
  size_t end = at + 2;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  return end < text.size() && text[end] == 'm' && end - at <= 4 ? end + 1 - at : 0;
}

std::string Where(const std::string& what, size_t at) {
  return what + " at byte " + std::to_string(at);
}

bool IsNumber(const std::string& cell) {
  if (cell.find_first_not_of("0123456789+-.eE") != std::string::npos) return false;
  char* end = nullptr;
  std::strtod(cell.c_str(), &end);
  return !cell.empty() && *end == '\0';
}

}  // namespace

std::string TerminalDanger(const std::string& text, bool own_colors) {
  for (size_t at = 0; at < text.size();) {
    if (const size_t color = own_colors ? ColorAt(text, at) : 0; color > 0) {
      at += color;
      continue;
    }
    const Letter letter = LetterAt(text, at);
    if (letter.code < 0) return Where("bytes that are no UTF-8", at);
    const bool control = letter.code < 0x20 || (letter.code >= 0x7F && letter.code <= 0x9F);
    if (control && letter.code != '\n') return Where("a control character", at);
    if (Turns(letter.code)) return Where("a turn of the writing direction", at);
    if (letter.code == 0x2028 || letter.code == 0x2029) return Where("a hidden line break", at);
    at += letter.bytes;
  }
  return "";
}

std::vector<std::vector<std::string>> CsvCells(const std::string& csv,
                                               const std::string& separators) {
  std::vector<std::vector<std::string>> rows(1, std::vector<std::string>(1));
  bool quoted = false;
  for (size_t at = 0; at < csv.size(); ++at) {
    std::string& cell = rows.back().back();
    const char letter = csv[at];
    if (quoted) {
      const bool doubled = letter == '"' && at + 1 < csv.size() && csv[at + 1] == '"';
      if (letter != '"' || doubled) cell += letter;
      if (doubled) ++at;
      if (letter == '"' && !doubled) quoted = false;
    } else if (letter == '"' && cell.empty()) {
      quoted = true;
    } else if (letter == '\n') {
      rows.emplace_back(1);
    } else if (separators.find(letter) != std::string::npos) {
      rows.back().emplace_back();
    } else {
      cell += letter;
    }
  }
  if (rows.back().size() == 1 && rows.back()[0].empty()) rows.pop_back();
  return rows;
}

std::string FormulaDanger(const std::string& csv) {
  for (const char* separators : {",", ";", "\t", ",;\t"}) {
    for (const auto& row : CsvCells(csv, separators)) {
      for (const std::string& whole : row) {
        // Where cells do not end at commas, several of ours may be one: the first begins it.
        const bool commas = std::string(separators).find(',') != std::string::npos;
        const std::string cell = commas ? whole : whole.substr(0, whole.find(','));
        const size_t begin = cell.find_first_not_of(' ');
        if (begin == std::string::npos) continue;
        const bool formula = std::string("=+-@\t\r").find(cell[begin]) != std::string::npos;
        if (formula && !IsNumber(cell)) return "a formula: " + cell.substr(0, 60);
      }
    }
  }
  return "";
}

std::string MarkdownDanger(const std::string& text, size_t columns) {
  size_t bars = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    if (letter == '\\') {
      ++at;
    } else if (letter == '|') {
      ++bars;
    } else if (letter == '\n') {
      if (bars != columns + 1) return "a row of another number of cells";
      bars = 0;
    } else if (letter == '&' && text.compare(at, 4, "&lt;") != 0 &&
               text.compare(at, 5, "&amp;") != 0) {
      return Where("an entity", at);
    } else if (std::string("<`*_[]~").find(letter) != std::string::npos) {
      return Where("markup", at);
    }
  }
  return bars == 0 ? "" : "a row without an end";
}

}  // namespace laptime::testing
