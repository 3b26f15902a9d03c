#pragma once

#include <string>
#include <vector>

namespace laptime::client {

// Several --where as one filter: all of them hold.
inline std::string JoinConditions(const std::vector<std::string>& filters) {
  std::string joined;
  for (const std::string& filter : filters) {
    if (!filter.empty()) joined += (joined.empty() ? "" : ",") + filter;
  }
  return joined;
}

}  // namespace laptime::client
