#include <termios.h>
#include <unistd.h>

#include <istream>
#include <ostream>

#include "client/commands.h"
#include "client/environment.h"
#include "client/exit_codes.h"
#include "client/input_file.h"
#include "client/logins.h"
#include "proto/support/access_token.h"
#include "proto/support/pinned_authority.h"
#include "proto/support/status.h"

namespace laptime::client {
namespace {

constexpr size_t kMaxTokenBytes = 1024;

// What is typed is not shown while this lives, and Ctrl-C leaves the terminal as it was.
class NoEcho {
 public:
  explicit NoEcho(Interrupt& interrupt) : interrupt_(interrupt) {
    known_ = tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!known_) return;
    interrupt_.BeforeExit([before = before_] { tcsetattr(STDIN_FILENO, TCSANOW, &before); });
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
  }
  ~NoEcho() {
    if (!known_) return;
    tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    interrupt_.BeforeExit(nullptr);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  Interrupt& interrupt_;
  termios before_{};
  bool known_ = false;
};

absl::StatusOr<std::string> TokenText(Session& session, const LoginOptions& options) {
  Console& console = session.console();
  if (options.token_file == "-" && console.in_terminal && console.err_terminal) {
    const NoEcho no_echo(session.interrupt());
    console.err << "token (not shown): " << std::flush;
    std::string line;
    std::getline(console.in, line);
    console.err << "\n" << std::flush;
    return line;
  }
  return ReadInput(console.in, options.token_file, kMaxTokenBytes,
                   "a token is one line, as `laptime token create` printed it");
}

absl::Status LogIn(Session& session, const LoginOptions& options) {
  const absl::StatusOr<std::string> text = TokenText(session, options);
  if (!text.ok()) return text.status();
  const absl::StatusOr<AccessToken> token = ParseAccessToken(*text);
  if (!token.ok()) return token.status();
  const absl::StatusOr<std::string> ca = FetchPinnedAuthority(options.address, token->ca_sha256);
  if (!ca.ok()) return ca.status();
  const ChannelSecurity login{.ca = *ca, .bearer = token->bearer()};
  session.UseServer(options.address, "argument", login);
  const auto info = session.Call(&Session::Stub::GetServerInfo, v1::GetServerInfoRequest());
  // It has just answered, with the authority that the token pins.
  if (absl::IsUnavailable(info.status())) {
    return WithHint(absl::StatusCode::kUnavailable,
                    "the coordinator's certificate is not for " + options.address,
                    "name it as its certificate does, or `laptime-server init --name` adds a name");
  }
  if (!info.ok()) return info.status();
  const std::string file = LoginsFile(ReadEnvironment);
  absl::StatusOr<Logins> logins = ReadLogins(file);
  if (!logins.ok()) return logins.status();
  logins->by_address[options.address] = login;
  logins->current = options.address;
  return WriteLogins(file, *logins);
}

}  // namespace

int RunLogin(Session& session, const LoginOptions& options) {
  if (const absl::Status status = LogIn(session, options); !status.ok())
    return session.Fail(status);
  session.Say("logged in to " + options.address + "; commands without --server go there");
  return kExitOk;
}

}  // namespace laptime::client
