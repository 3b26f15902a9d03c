#include "client/output_file.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "proto/support/durable_file.h"
#include "proto/support/status.h"

namespace laptime::client {
namespace {

namespace fs = std::filesystem;

bool Write(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  return out.good();
}

bool Replace(const fs::path& file, const std::string& text) {
  const fs::path part = file.string() + "." + std::to_string(getpid()) + ".part";
  if (Write(part, text) && !ReplaceDurably(part, file)) return true;
  std::error_code ignored;
  fs::remove(part, ignored);
  return false;
}

}  // namespace

absl::Status ReplaceFile(const std::string& file, const std::string& text) {
  std::error_code error;
  const fs::path linked = fs::canonical(file, error);  // an error: it is not there yet
  const fs::path target = error ? fs::path(file) : linked;
  const bool ordinary = fs::is_regular_file(target, error) || !fs::exists(target, error);
  if (ordinary ? Replace(target, text) : Write(target, text)) return absl::OkStatus();
  return WithHint(absl::StatusCode::kFailedPrecondition, "cannot write " + file,
                  "does its folder exist, and is there room?");
}

}  // namespace laptime::client
