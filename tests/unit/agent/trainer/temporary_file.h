#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace laptime::trainer {

// A path of a test's own that is gone afterwards, whether or not a file came to be there.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name = "file")
      : path_(::testing::TempDir() + "laptime-" + std::to_string(getpid()) + "-" + name) {}
  ~TemporaryFile() { std::filesystem::remove(path_); }

  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

}  // namespace laptime::trainer
