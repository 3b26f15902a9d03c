#pragma once

#include <string>
#include <vector>

namespace laptime::client {

// Text as it may be shown on a terminal: no control characters, no invalid UTF-8 and no characters
// that turn the writing direction. What is neutralised becomes '?'. Line breaks and tabs stay when
// `keep_lines`.
std::string SafeText(const std::string& text, bool keep_lines = false);

// Terminal columns of valid UTF-8: East Asian wide characters take two, combining marks none.
int DisplayWidth(const std::string& text);

// The longest beginning of `text` that fits into `width` columns; if something was cut, it ends in
// "…".
std::string Truncate(const std::string& text, int width);

// `text` filled with spaces to `width` columns, on the left when `right_aligned`. Never cuts.
std::string Pad(const std::string& text, int width, bool right_aligned);

std::string Joined(const std::vector<std::string>& words, const std::string& between = ", ");

// `hint`, after the name that was most likely meant by `word` if one is near.
std::string NearestHint(const std::string& word, const std::vector<std::string>& names,
                        const std::string& hint);

}  // namespace laptime::client
