#pragma once

#include <grpcpp/client_context.h>

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "client/answer.h"
#include "client/console.h"
#include "client/interrupt.h"
#include "client/options.h"
#include "client/settings.h"
#include "laptime/v1/control.grpc.pb.h"
#include "proto/support/channel.h"
#include "proto/support/status.h"

namespace laptime::client {

// One call of `laptime`: the settings in force, the connection to the coordinator, and how answers
// and errors reach the person. Used by one thread; the channel is made with the first call.
// `interrupt` must outlive it.
class Session {
 public:
  using Stub = v1::ControlService::Stub;

  // `settings` come from LoadSettings; `security` is what the server in them wants.
  Session(Settings settings, GlobalOptions options, Console console, Interrupt& interrupt,
          ChannelSecurity security = {});

  // One unary call with the deadline of --timeout. kUnavailable says which address did not answer.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout());
    Response response;
    const grpc::Status status = (stub().*method)(&context, request, &response);
    if (!status.ok()) return Explain(FromGrpc(status));
    return response;
  }

  // The same for a call that takes as long as it takes: only --timeout on the command line limits
  // it, and Ctrl-C ends it (kCancelled).
  template <typename Request, typename Response>
  absl::StatusOr<Response> CallLong(grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                 const Request&, Response*),
                                    const Request& request) {
    grpc::ClientContext context;
    if (const auto limit = wait_limit())
      context.set_deadline(std::chrono::system_clock::now() + *limit);
    const std::stop_token interrupted = interrupt_.Take();
    const std::stop_callback cancel(interrupted, [&context] { context.TryCancel(); });
    Response response;
    const grpc::Status status = (stub().*method)(&context, request, &response);
    if (interrupted.stop_requested()) return absl::CancelledError("interrupted");
    if (!status.ok()) return Explain(FromGrpc(status));
    return response;
  }

  Stub& stub();
  // Drops the connection: the next call makes a new one at once instead of waiting for the old
  // one's backoff.
  void Reconnect() { stub_.reset(); }
  // Talks to another address from now on, found as `origin` says.
  void UseServer(const std::string& address, const std::string& origin,
                 const ChannelSecurity& security);
  // A broken connection in words a person can act on; other statuses stay as they are.
  absl::Status Explain(const absl::Status& status) const;

  // Prints data on standard output; kExitOk, or what Fail returns.
  int Print(const Answer& answer) { return PrintAs(look_.format, answer); }
  int PrintAs(Format format, const Answer& answer);
  // Prints `error: …` and `hint: …` on standard error and returns the exit code.
  int Fail(const absl::Status& status);
  // How a person comes back to a job that goes on: the command, with this call's --server.
  std::string ComeBack(const std::string& job_id) const;
  // A line of words on standard error, unless --quiet.
  void Say(const std::string& line);
  // The same, only with --verbose.
  void Note(const std::string& line);
  // Asks before something that cannot be undone. True without asking when --yes, --no-input, or
  // nobody sits there.
  bool Confirm(const std::string& question);
  // Somebody sits there who can answer, and may be asked.
  bool can_ask() const;

  const Settings& settings() const { return settings_; }
  const std::string& setting(const std::string& name) const { return settings_.at(name).value; }
  const GlobalOptions& options() const { return options_; }
  const Look& look() const { return look_; }
  // True when the format stands on the command line, rather than being configured or the default.
  bool format_named() const { return options_.settings.contains("output"); }
  std::chrono::milliseconds timeout() const;
  // The limit for commands that wait for an end: --timeout where it stands on the command line,
  // else none.
  std::optional<std::chrono::milliseconds> wait_limit() const;
  Console& console() { return console_; }
  Interrupt& interrupt() { return interrupt_; }

 private:
  // Constant after construction, but for UseServer.
  Settings settings_;
  const GlobalOptions options_;
  Console console_;
  Interrupt& interrupt_;
  Look look_;
  ChannelSecurity security_;

  std::unique_ptr<Stub> stub_;
};

// `error: …` and `hint: …`, made safe for a terminal; one line each.
std::string ErrorText(const absl::Status& status);

// Standard output takes no more.
absl::Status CannotPrint();

}  // namespace laptime::client
