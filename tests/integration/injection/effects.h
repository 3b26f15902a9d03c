#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace laptime::testing {

// What must not happen behind a coordinator's back: changes of its schema, rows that come or go
// without having been asked for, damage to the file, files beside it. Not thread-safe.
class Effects {
 public:
  // Everything lies below `root`, the database too.
  Effects(std::filesystem::path root, std::filesystem::path database);

  // From now on.
  void Begin();

  // What happened since, a line each. `grown`: how many rows more a table should have; the tables
  // in `free` may have any number.
  std::vector<std::string> Found(const std::map<std::string, int64_t>& grown = {},
                                 const std::set<std::string>& free = {}) const;

  int64_t RowsOf(const std::string& table) const;

 private:
  struct State {
    std::string schema;
    std::map<std::string, int64_t> rows;  // by table
    std::set<std::string> files;          // without those of the database
    std::string damage;
  };
  State Look() const;

  const std::filesystem::path root_;
  const std::filesystem::path database_;
  State before_;
};

}  // namespace laptime::testing
