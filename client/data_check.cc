#include "client/data_check.h"

#include <chrono>
#include <vector>

#include "client/child_process.h"

namespace laptime::client {
namespace {

// Reading and hashing 180 MB on a slow disk takes a while.
constexpr std::chrono::seconds kCheckLimit{60};

// The first line, without the "error: " that a program puts before it.
std::string FirstLine(const std::string& output) {
  const std::string line = output.substr(0, output.find('\n'));
  return line.rfind("error: ", 0) == 0 ? line.substr(7) : line;
}

}  // namespace

DataCheck CheckData(const std::string& program_directory, const std::string& data) {
  std::vector<std::string> arguments{"data", "check"};
  const std::string where = data.empty() ? "" : " --data " + data;
  if (!data.empty()) arguments.insert(arguments.end(), {"--data", data});
  const auto result = RunProgram(program_directory + "/laptime-agent", arguments, kCheckLimit);
  DataCheck check;
  check.found = result.ok() && result->exit_code == 0;
  const std::string said =
      result.ok() ? FirstLine(result->output) : std::string(result.status().message());
  check.text = said.empty() ? "laptime-agent data check said nothing" : said;
  if (check.found) return check;
  check.hint = "`laptime-agent data fetch cifar10" + where +
               "` downloads it; simclr-synthetic-cifar10 runs without it";
  return check;
}

}  // namespace laptime::client
