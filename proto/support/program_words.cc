#include "proto/support/program_words.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <vector>

#include "proto/support/nearest.h"
#include "proto/support/status.h"

namespace laptime {
namespace {

void CollectNames(const CLI::App& app, std::vector<std::string>& names) {
  for (const CLI::App* part : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(part->get_name());
    for (const CLI::Option* option : part->get_options()) names.push_back(option->get_name());
    CollectNames(*part, names);
  }
}

// What was probably meant, or where to read on.
std::string Hint(const CLI::App& app, const std::string& message, int argc,
                 const char* const* argv) {
  std::vector<std::string> known;
  CollectNames(app, known);
  for (int i = 1; i < argc; ++i) {
    // Of a wrong command CLI11 says only that one is missing.
    const bool named = i == 1 || message.find(argv[i]) != std::string::npos;
    if (!named || std::ranges::find(known, argv[i]) != known.end()) continue;
    if (auto nearest = Nearest(argv[i], known)) return "did you mean '" + *nearest + "'?";
  }
  return app.get_name() + " --help";
}

}  // namespace

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string ErrorLines(const absl::Status& status) {
  const std::string hint = HintOf(status);
  return "error: " + MessageOf(status) + "\n" + (hint.empty() ? "" : "hint: " + hint + "\n");
}

std::optional<ProgramReply> ReadWords(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      std::ostringstream out, errors;
      app.exit(error, out, errors);
      return ProgramReply{.out = out.str()};
    }
    const std::string message = error.what();
    return ProgramReply{.exit_code = kUsageExit,
                        .error = ErrorLines(WithHint(absl::StatusCode::kInvalidArgument,
                                                     message.substr(0, message.find('\n')),
                                                     Hint(app, message, argc, argv)))};
  }
}

}  // namespace laptime
