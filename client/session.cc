#include "client/session.h"

#include <cstdlib>
#include <istream>
#include <ostream>
#include <utility>

#include "client/exit_codes.h"
#include "client/text.h"

namespace laptime::client {
namespace {

bool WantsColor(const std::string& color, bool terminal) {
  if (color != "auto") return color == "always";
  const char* no_color = std::getenv("NO_COLOR");
  return terminal && (no_color == nullptr || *no_color == '\0');
}

}  // namespace

std::string ErrorText(const absl::Status& status) {
  std::string text = "error: " + SafeText(MessageOf(status)) + "\n";
  const std::string hint = HintOf(status);
  if (!hint.empty()) text += "hint: " + SafeText(hint) + "\n";
  return text;
}

absl::Status CannotPrint() {
  return WithHint(absl::StatusCode::kDataLoss, "cannot write to standard output",
                  "is the disk full, or the pipe closed?");
}

Session::Session(Settings settings, GlobalOptions options, Console console, Interrupt& interrupt,
                 ChannelSecurity security)
    : settings_(std::move(settings)),
      options_(std::move(options)),
      console_(console),
      interrupt_(interrupt),
      security_(std::move(security)) {
  look_.format = FormatFromName(setting("output")).value_or(Format::kTable);
  look_.fields = options_.fields;
  look_.color = WantsColor(setting("color"), console_.out_terminal);
}

Session::Stub& Session::stub() {
  if (stub_ == nullptr)
    stub_ = v1::ControlService::NewStub(NewChannel(setting("server"), security_));
  return *stub_;
}

void Session::UseServer(const std::string& address, const std::string& origin,
                        const ChannelSecurity& security) {
  settings_["server"] = {address, origin};
  security_ = security;
  stub_.reset();
}

absl::Status Session::Explain(const absl::Status& status) const {
  const Setting& server = settings_.at("server");
  const std::string address = server.value + " (" + server.origin + ")";
  if (status.code() == absl::StatusCode::kUnavailable) {
    const std::string detail = options_.verbose ? ": " + MessageOf(status) : "";
    return WithHint(status.code(), "no coordinator answers at " + address + detail,
                    security_.ca.empty() ? "`laptime up` starts one here; --server names another "
                                           "address; `laptime login` where it wants credentials"
                                         : "is it running, and is it the one of `laptime login`?");
  }
  if (status.code() == absl::StatusCode::kDeadlineExceeded) {
    return WithHint(
        status.code(),
        "the coordinator at " + address + " did not answer within " + setting("timeout") + " s",
        "--timeout SECONDS waits longer");
  }
  if (status.code() == absl::StatusCode::kUnimplemented) {
    return WithHint(status.code(), "the coordinator at " + address + " does not know this command",
                    std::string("it is older than this laptime, ") + kVersion +
                        "; laptime server info shows its version");
  }
  return status;
}

int Session::PrintAs(Format format, const Answer& answer) {
  Look look = look_;
  look.format = format;
  const absl::StatusOr<std::string> text = Render(answer, look);
  if (!text.ok()) return Fail(text.status());
  console_.out << *text << std::flush;
  if (console_.out.good()) return kExitOk;
  return Fail(CannotPrint());
}

int Session::Fail(const absl::Status& status) {
  console_.err << ErrorText(status) << std::flush;
  return ExitCodeFor(status);
}

std::string Session::ComeBack(const std::string& job_id) const {
  const Setting& server = settings_.at("server");
  const bool named = server.origin.rfind("flag", 0) == 0;
  return "`laptime job watch " + job_id + (named ? " --server " + server.value : "") +
         "` comes back";
}

void Session::Say(const std::string& line) {
  if (!options_.quiet) console_.err << SafeText(line) << "\n" << std::flush;
}

void Session::Note(const std::string& line) {
  if (options_.verbose) Say(line);
}

bool Session::can_ask() const {
  return console_.in_terminal && console_.err_terminal && setting("no_input") != "true";
}

bool Session::Confirm(const std::string& question) {
  if (options_.yes || !can_ask()) return true;
  console_.err << SafeText(question) << " [y/N] " << std::flush;
  std::string answer;
  std::getline(console_.in, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

std::chrono::milliseconds Session::timeout() const {
  // LoadSettings has checked that it is a number.
  return std::chrono::milliseconds(static_cast<int64_t>(std::stod(setting("timeout")) * 1000));
}

std::optional<std::chrono::milliseconds> Session::wait_limit() const {
  if (options_.settings.count("timeout") == 0) return std::nullopt;
  return timeout();
}

}  // namespace laptime::client
