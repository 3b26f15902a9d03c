#pragma once

#include <optional>
#include <string>
#include <vector>

namespace laptime {

// The candidate a person most likely meant by `word`: smallest edit distance, ignoring case;
// nothing when even the best differs in more than a third of its letters (at least two).
std::optional<std::string> Nearest(const std::string& word,
                                   const std::vector<std::string>& candidates);

}  // namespace laptime
