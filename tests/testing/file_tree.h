#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/testing/temp_dir.h"

namespace laptime::testing {

// A directory that stands for "/": what /proc and /sys would hold is written into it.
class FileTree {
 public:
  const std::filesystem::path& root() const { return dir_.path(); }
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root() / path).parent_path());
    std::ofstream(root() / path) << text;
  }
  void Remove(const std::string& path) { std::filesystem::remove_all(root() / path); }

 private:
  TempDir dir_;
};

}  // namespace laptime::testing
