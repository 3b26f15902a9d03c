#include "server/options.h"

#include <CLI/CLI.hpp>

#include "proto/support/channel.h"
#include "proto/support/duration.h"

namespace laptime {
namespace {

const std::vector<std::string> kLifetimeUnits = {"s", "m", "h", "d", "w"};

// What is typed in other words than the options have.
struct Typed {
  std::string listen;
  int port = kDefaultPort;
  double lost_after_seconds = 24 * 3600;
  std::string certificate_lifetime;
};

void AddAddress(CLI::App& serve, Typed& typed) {
  // Not CLI11's own way with the environment: --port would exclude it.
  typed.listen = Environment("LAPTIME_LISTEN");
  if (typed.listen.empty()) typed.listen = kDefaultServer;
  CLI::Option* listen =
      serve.add_option("--listen", typed.listen, "ADDRESS:PORT to listen on (Env:LAPTIME_LISTEN)")
          ->capture_default_str();
  serve.add_option("--port", typed.port, "the port alone, on 127.0.0.1; 0 = any free one")
      ->check(CLI::Range(0, 65535))
      ->excludes(listen);
}

CLI::App* AddServe(CLI::App& app, ServerCommand& command, Typed& typed) {
  CLI::App* serve = app.add_subcommand("serve", "serve agents and clients until SIGTERM or Ctrl-C");
  AddAddress(*serve, typed);
  serve->add_option("--state", command.server.state_dir, "directory of the database")
      ->envname("LAPTIME_STATE")
      ->capture_default_str();
  serve
      ->add_option("--lost-after", typed.lost_after_seconds,
                   "seconds away after which a host has lost its runs")
      ->check(CLI::Range(1.0, 1e8))
      ->capture_default_str();
  serve
      ->add_option("--max-retries", command.server.coordinator.max_retries,
                   "further attempts after one that ended for infrastructure reasons")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  serve->add_option("--log-level", command.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  serve->add_option("--parent-pid", command.parent_pid, "stop when that process is gone");
  serve
      ->add_option("--agent-certificate-lifetime", typed.certificate_lifetime,
                   "how long a machine's certificate is good: 90d by default")
      ->check([](const std::string& text) -> std::string {
        return ParseDuration(text, kLifetimeUnits) ? ""
                                                   : "'" + text + "' is no time like 90d or 12h";
      });
  return serve;
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
  server.state_dir = parsed.init.state_dir = DefaultStateDir();
  Typed typed;
  CLI::App app{"laptime-server: the coordinator that hands out runs and keeps their results",
               "laptime-server"};
  app.require_subcommand(1);
  CLI::App* serve = AddServe(app, parsed.command, typed);
  CLI::App* init = AddInit(app, parsed.init);
  CLI::App* version = app.add_subcommand("version", "print the version");
  if (std::optional<ProgramReply> reply = ReadWords(app, argc, argv)) {
    static_cast<ProgramReply&>(parsed) = *std::move(reply);
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
  if (!typed.certificate_lifetime.empty()) {
    server.agent_certificate_lifetime = *ParseDuration(typed.certificate_lifetime, kLifetimeUnits);
  }
  server.coordinator.lost_after =
      std::chrono::milliseconds(static_cast<int64_t>(typed.lost_after_seconds * 1000));
  server.grpc.address =
      serve->count("--port") > 0 ? "127.0.0.1:" + std::to_string(typed.port) : typed.listen;
  return parsed;
}

}  // namespace laptime
