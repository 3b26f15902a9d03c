#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "client/command_line.h"
#include "client/environment.h"
#include "client/exit_codes.h"
#include "client/logins.h"
#include "client/session.h"
#include "client/settings.h"
#include "proto/support/no_core.h"

namespace laptime::client {
namespace {

int Refuse(const absl::Status& status) {
  std::cerr << ErrorText(status);
  return ExitCodeFor(status);
}

int Run(const std::vector<std::string>& words) {
  const absl::StatusOr<CommandLine> command = ParseCommandLine(words);
  if (!command.ok()) return Refuse(command.status());
  if (!command->run) {
    std::cout << command->help;
    return kExitOk;
  }
  SettingSources sources;
  sources.flags = command->global.settings;
  sources.environment = ReadEnvironment;
  sources.files = SettingFiles(ReadEnvironment);
  absl::StatusOr<Settings> settings = LoadSettings(sources);
  if (!settings.ok()) return Refuse(settings.status());

  const absl::StatusOr<Logins> logins = ReadLogins(LoginsFile(ReadEnvironment));
  if (!logins.ok()) return Refuse(logins.status());
  Setting& server = (*settings)["server"];
  if (server.origin == "default" && !logins->current.empty())
    server = {logins->current, "laptime login"};
  const ChannelSecurity security = logins->SecurityFor(server.value);

  // Before any thread starts, so that all of them leave the signals to this one.
  SignalThread::Block();
  Interrupt interrupt;
  const SignalThread signals(interrupt);
  Session session(*std::move(settings), command->global, ProcessConsole(), interrupt, security);
  return command->run(session);
}

}  // namespace
}  // namespace laptime::client

int main(int argc, char** argv) {
  laptime::LeaveNoCore();
  // The last line of defence: a library of ours may throw (no memory, a broken file system).
  try {
    return laptime::client::Run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return laptime::client::kExitFailure;
  }
}
