#include "server/options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <sstream>

#include "proto/support/channel.h"
#include "proto/support/duration.h"
#include "proto/support/nearest.h"

namespace laptime {
namespace {

constexpr int kUsage = 2;
const std::vector<std::string> kLifetimeUnits = {"s", "m", "h", "d", "w"};

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// CLI11's message as one line, with what was probably meant.
std::string OneLine(const CLI::App& app, const std::string& message, int argc,
                    const char* const* argv) {
  std::string text = "error: " + message.substr(0, message.find('\n')) + "\nhint: ";
  std::vector<std::string> known = {"serve", "init", "version"};
  for (const CLI::App* part : app.get_subcommands([](const CLI::App*) { return true; })) {
    for (const CLI::Option* option : part->get_options()) known.push_back(option->get_name());
  }
  for (int i = 1; i < argc; ++i) {
    if (message.find(argv[i]) == std::string::npos) continue;
    if (auto nearest = Nearest(argv[i], known); nearest && *nearest != argv[i]) {
      return text + "did you mean '" + *nearest + "'?\n";
    }
  }
  return text + "laptime-server --help\n";
}

CLI::App* AddInit(CLI::App& app, InitOptions& options) {
  CLI::App* init = app.add_subcommand(
      "init", "make this coordinator one for other machines: its CA, certificate, first token");
  init->add_option("--state", options.state_dir, "directory of the database and the keys")
      ->envname("LAPTIME_STATE")
      ->capture_default_str();
  init->add_option("--name", options.names,
                   "a DNS name or IP address by which others reach it; may be repeated")
      ->allow_extra_args(false);
  return init;
}

}  // namespace

std::string DefaultStateDir() {
  const std::string state = Environment("XDG_STATE_HOME");
  if (!state.empty()) return state + "/laptime";
  return Environment("HOME") + "/.local/state/laptime";
}

ParsedCommand ParseCommandLine(int argc, const char* const* argv) {
  ParsedCommand parsed;
  CoordinatorServerOptions& server = parsed.command.server;
  CLI::App app{"laptime-server: the coordinator that hands out runs and keeps their results"};
  app.require_subcommand(1);

  CLI::App* serve = app.add_subcommand("serve", "serve agents and clients until SIGTERM or Ctrl-C");
  // Not CLI11's own way with the environment: --port would exclude it.
  const std::string listen_variable = Environment("LAPTIME_LISTEN");
  std::string listen = listen_variable.empty() ? kDefaultServer : listen_variable;
  int port = kDefaultPort;
  double lost_after_seconds = 24 * 3600;
  server.state_dir = DefaultStateDir();
  parsed.init.state_dir = server.state_dir;
  auto* listen_option =
      serve->add_option("--listen", listen, "ADDRESS:PORT to listen on (Env:LAPTIME_LISTEN)")
          ->capture_default_str();
  serve->add_option("--port", port, "the port alone, on 127.0.0.1; 0 = any free one")
      ->check(CLI::Range(0, 65535))
      ->excludes(listen_option);
  serve->add_option("--state", server.state_dir, "directory of the database")
      ->envname("LAPTIME_STATE")
      ->capture_default_str();
  serve
      ->add_option("--lost-after", lost_after_seconds,
                   "seconds away after which a host has lost its runs")
      ->check(CLI::Range(1.0, 1e8))
      ->capture_default_str();
  serve
      ->add_option("--max-retries", server.coordinator.max_retries,
                   "further attempts after one that ended for infrastructure reasons")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  serve->add_option("--log-level", parsed.command.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  serve->add_option("--parent-pid", parsed.command.parent_pid, "stop when that process is gone");
  std::string certificate_lifetime;
  serve
      ->add_option("--agent-certificate-lifetime", certificate_lifetime,
                   "how long a machine's certificate is good: 90d by default")
      ->check([](const std::string& text) -> std::string {
        return ParseDuration(text, kLifetimeUnits) ? ""
                                                   : "'" + text + "' is no time like 90d or 12h";
      });

  CLI::App* init = AddInit(app, parsed.init);
  CLI::App* version = app.add_subcommand("version", "print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, errors;
    if (error.get_exit_code() == 0) {
      app.exit(error, out, errors);
      parsed.out = out.str();
    } else {
      parsed.exit_code = kUsage;
      parsed.error = OneLine(app, error.what(), argc, argv);
    }
    return parsed;
  }
  if (version->parsed()) {
    parsed.out = std::string("laptime-server ") + kVersion + "\n";
    return parsed;
  }
  if (init->parsed()) {
    parsed.verb = ParsedCommand::Verb::kInit;
    return parsed;
  }
  parsed.verb = ParsedCommand::Verb::kServe;
  if (!certificate_lifetime.empty())
    server.agent_certificate_lifetime = *ParseDuration(certificate_lifetime, kLifetimeUnits);
  server.coordinator.lost_after =
      std::chrono::milliseconds(static_cast<int64_t>(lost_after_seconds * 1000));
  server.grpc.address = serve->count("--port") > 0 ? "127.0.0.1:" + std::to_string(port) : listen;
  return parsed;
}

}  // namespace laptime
