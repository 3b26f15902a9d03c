#include <cstdlib>
#include <filesystem>
#include <vector>

#include "client/columns.h"
#include "client/commands.h"
#include "client/environment.h"
#include "client/settings.h"

namespace laptime::client {
namespace {

using Entry = std::pair<std::string, Setting>;

std::vector<Column<Entry>> SettingColumns() {
  return {
      TextColumn<Entry>("name", "SETTING", [](const Entry& e) { return e.first; }),
      TextColumn<Entry>("value", "VALUE", [](const Entry& e) { return e.second.value; }),
      TextColumn<Entry>("origin", "FROM", [](const Entry& e) { return e.second.origin; }),
  };
}

struct FileEntry {
  std::string path;
  bool exists;
};

std::vector<Column<FileEntry>> FileColumns() {
  return {
      TextColumn<FileEntry>("path", "FILE", [](const FileEntry& f) { return f.path; }),
      TextColumn<FileEntry>("exists", "EXISTS",
                            [](const FileEntry& f) { return f.exists ? "yes" : "no"; }),
  };
}

}  // namespace

int RunConfigShow(Session& session) {
  const std::vector<Entry> entries(session.settings().begin(), session.settings().end());
  return session.Print({nullptr, "settings", MakeGrid(SettingColumns(), entries), nullptr});
}

int RunConfigPath(Session& session) {
  std::vector<FileEntry> files;
  for (const std::string& path : SettingFiles(ReadEnvironment)) {
    std::error_code error;
    files.push_back({path, std::filesystem::exists(path, error)});
  }
  return session.Print({nullptr, "files", MakeGrid(FileColumns(), files), nullptr});
}

}  // namespace laptime::client
