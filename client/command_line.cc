#include "client/command_line.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "client/command_tree.h"
#include "client/text.h"
#include "proto/support/nearest.h"
#include "proto/support/status.h"

namespace laptime::client {
namespace {

absl::Status Usage(const std::string& message, const std::string& hint) {
  return WithHint(absl::StatusCode::kInvalidArgument, message, hint);
}

std::vector<CLI::App*> CommandsOf(const CLI::App& app) {
  return const_cast<CLI::App&>(app).get_subcommands([](const CLI::App*) { return true; });
}

// "laptime run show"
std::string PathOf(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name()
                                     : PathOf(*app.get_parent()) + " " + app.get_name();
}

// Walks the words as the grammar reads them and says what the grammar would only call "not
// expected": CLI11 knows what is wrong, this knows what was meant.
class Walk {
 public:
  explicit Walk(const CLI::App& root) : at_(&root) {}

  absl::Status Check(const std::vector<std::string>& words) {
    for (size_t i = 0; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (word == "--") return absl::OkStatus();
      if (word.size() > 1 && word[0] == '-') {
        const absl::StatusOr<bool> takes_next = Flag(word);
        if (!takes_next.ok()) return takes_next.status();
        if (*takes_next) ++i;
      } else {
        LAPTIME_RETURN_IF_ERROR(Word(word));
      }
    }
    if (!help_ && at_->get_parent() != nullptr && !CommandsOf(*at_).empty()) {
      return Usage(PathOf(*at_) + ": a command is missing", "commands: " + Joined(CommandNames()));
    }
    return absl::OkStatus();
  }

 private:
  std::vector<std::string> CommandNames() const {
    std::vector<std::string> names;
    for (const CLI::App* command : CommandsOf(*at_)) names.push_back(command->get_name());
    return names;
  }

  // The flag and whether the next word is its value.
  absl::StatusOr<bool> Flag(const std::string& word) {
    const bool is_long = word[1] == '-';
    const std::string name = is_long ? word.substr(0, word.find('=')) : word.substr(0, 2);
    std::vector<std::string> known;
    for (const CLI::App* app = at_; app != nullptr; app = app->get_parent()) {
      for (const CLI::Option* option : app->get_options()) {
        for (const std::string& long_name : option->get_lnames()) known.push_back("--" + long_name);
        for (const std::string& short_name : option->get_snames())
          known.push_back("-" + short_name);
        if (!option->check_name(name)) continue;
        if (name == "--help" || name == "-h") help_ = true;
        const bool has_value = is_long ? word.find('=') != std::string::npos : word.size() > 2;
        return option->get_items_expected_max() > 0 && !has_value;
      }
    }
    std::string hint = PathOf(*at_) + " --help lists the flags";
    if (auto nearest = Nearest(name, known)) hint = "did you mean '" + *nearest + "'?";
    return Usage(PathOf(*at_) + ": unknown flag '" + name + "'", hint);
  }

  absl::Status Word(const std::string& word) {
    const std::vector<CLI::App*> commands = CommandsOf(*at_);
    if (commands.empty()) return Argument(word);
    for (const CLI::App* command : commands) {
      if (command->get_name() != word) continue;
      at_ = command;
      return absl::OkStatus();
    }
    const std::vector<std::string> names = CommandNames();
    std::string hint = "commands: " + Joined(names);
    if (auto nearest = Nearest(word, names)) hint = "did you mean '" + *nearest + "'?";
    return Usage("unknown command '" + PathOf(*at_) + " " + word + "'", hint);
  }

  absl::Status Argument(const std::string& word) {
    int most = 0;
    for (const CLI::Option* option : at_->get_options()) {
      if (option->nonpositional()) continue;
      most = std::max(most, 0) + std::min(option->get_items_expected_max(), 1 << 16);
    }
    if (++arguments_ <= most) return absl::OkStatus();
    return Usage(PathOf(*at_) + ": one argument too many: '" + word + "'",
                 PathOf(*at_) + " --help shows what it takes");
  }

  const CLI::App* at_;
  int arguments_ = 0;
  bool help_ = false;
};

// The command that was named last, and so is meant.
const CLI::App* Parsed(const CLI::App* app) {
  const std::vector<CLI::App*> below = app->get_subcommands();
  return below.empty() ? app : Parsed(below.front());
}

// CLI11's message as one line that begins with the command.
absl::Status Explained(const CLI::App& root, const CLI::ParseError& error) {
  std::string message = error.what();
  message.resize(std::min(message.find('\n'), message.size()));
  const CLI::App& command = *Parsed(&root);
  return Usage(PathOf(command) + ": " + message, PathOf(command) + " --help shows what it takes");
}

std::string RootHelp(const CLI::App& root) {
  return root.help() +
         "\n`laptime COMMAND --help` says more. Global flags may stand before or after the "
         "command.\n";
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& words) {
  CommandTree tree;
  LAPTIME_RETURN_IF_ERROR(Walk(tree.root()).Check(words));
  CommandLine parsed;
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    tree.root().parse(reversed);
  } catch (const CLI::CallForHelp&) {
    const CLI::App* command = Parsed(&tree.root());
    parsed.help = command == &tree.root() ? RootHelp(tree.root())
                                          : command->help(PathOf(*command->get_parent()));
    return parsed;
  } catch (const CLI::ParseError& error) {
    return Explained(tree.root(), error);
  }
  parsed.global = tree.global();
  parsed.run = tree.ActionOf(Parsed(&tree.root()));
  if (!parsed.run) parsed.help = RootHelp(tree.root());
  return parsed;
}

}  // namespace laptime::client
