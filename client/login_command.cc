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

namespace laptime::client {
namespace {

constexpr size_t kMaxTokenBytes = 1024;

// What is typed is not shown while this lives.
class NoEcho {
 public:
  NoEcho() {
    known_ = tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!known_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
  }
  ~NoEcho() {
    if (known_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool known_ = false;
};

absl::StatusOr<std::string> TokenText(Session& session, const LoginOptions& options) {
  Console& console = session.console();
  if (options.token_file == "-" && console.in_terminal && console.err_terminal) {
    const NoEcho no_echo;
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
