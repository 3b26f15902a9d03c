#include "client/local_fleet.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "proto/support/durable_file.h"
#include "proto/support/status.h"

namespace laptime::client {
namespace {

constexpr char kListening[] = "listening on ";
constexpr int kShownLines = 10;
// Between the end of a program's output and its own end.
constexpr std::chrono::seconds kEndGrace{2};

int64_t FileSize(const std::string& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  return error ? 0 : static_cast<int64_t>(size);
}

std::string ReadFrom(const std::string& file, int64_t begin) {
  std::ifstream in(file, std::ios::binary);
  in.seekg(begin);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string HowItEnded(int code) {
  if (code > 128) return "killed by signal " + std::to_string(code - 128);
  return "exit code " + std::to_string(code);
}

}  // namespace

absl::Status ErrorInLog(const std::string& log, absl::StatusCode code,
                        const std::string& otherwise) {
  std::istringstream lines(log);
  std::string message;
  std::string hint;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("error: ", 0) == 0) message = line.substr(7);
    if (line.rfind("hint: ", 0) == 0) hint = line.substr(6);
  }
  return WithHint(code, message.empty() ? otherwise : message, hint);
}

std::string TailOf(const std::string& text, int count) {
  size_t begin = text.size();
  if (begin > 0 && text[begin - 1] == '\n') --begin;
  while (begin > 0 && count > 0) {
    if (text[begin - 1] == '\n' && --count == 0) break;
    --begin;
  }
  return text.substr(begin);
}

LocalFleet::LocalFleet(Options options, std::function<void()> on_end)
    : options_(std::move(options)), on_end_(std::move(on_end)) {
  server_.program = "laptime-server";
  server_.log = options_.state + "/server.log";
  agent_.program = "laptime-agent";
  agent_.log = options_.state + "/agent.log";
}

LocalFleet::~LocalFleet() { Stop(); }

absl::Status LocalFleet::Prepare() {
  std::error_code error;
  // What `laptime-server init` leaves: such a coordinator wants credentials, also of this agent.
  if (std::filesystem::exists(options_.state + "/ca.pem", error)) {
    return WithHint(
        absl::StatusCode::kFailedPrecondition,
        "state directory " + options_.state + " belongs to a coordinator for a fleet",
        "`laptime-server serve` runs it; --state DIR names another for this machine alone");
  }
  error = MakePrivateDirectory(options_.state);
  if (!error && access(options_.state.c_str(), W_OK | X_OK) == 0) return absl::OkStatus();
  const std::string why = error ? error.message() : std::strerror(errno);
  return WithHint(absl::StatusCode::kInternal,
                  "state directory " + options_.state + " cannot be written: " + why,
                  "--state DIR names another one");
}

absl::Status LocalFleet::StartPart(Part& part, std::vector<std::string> arguments) {
  if (FileSize(part.log) > static_cast<int64_t>(kLargestLog)) {
    std::error_code error;
    std::filesystem::rename(part.log, part.log + ".1", error);
  }
  part.log_begin = FileSize(part.log);
  arguments.insert(arguments.end(), {"--parent-pid", std::to_string(getpid())});
  auto process = ChildProcess::Start(
      {options_.program_directory + "/" + part.program, std::move(arguments), part.log}, on_end_);
  if (!process.ok()) return process.status();
  part.process = *std::move(process);
  return absl::OkStatus();
}

absl::StatusOr<std::string> LocalFleet::StartServer(std::stop_token stop) {
  std::vector<std::string> arguments{"serve", "--state", options_.state};
  if (!options_.listen.empty()) arguments.insert(arguments.end(), {"--listen", options_.listen});
  if (options_.port) arguments.insert(arguments.end(), {"--port", std::to_string(*options_.port)});
  LAPTIME_RETURN_IF_ERROR(StartPart(server_, std::move(arguments)));
  const auto deadline = std::chrono::steady_clock::now() + kStartLimit;
  const std::optional<std::string> line = server_.process->ReadLine(deadline, stop);
  if (line && line->rfind(kListening, 0) == 0) return line->substr(sizeof(kListening) - 1);
  if (stop.stop_requested()) return absl::CancelledError("interrupted");
  // Its output ended before it did: a moment later its exit code is known, and what it wrote to its
  // log.
  if (server_.process->Wait(std::chrono::steady_clock::now() + kEndGrace)) return Health();
  return WithHint(absl::StatusCode::kUnavailable, "laptime-server did not begin to listen",
                  "its log is " + server_.log);
}

absl::Status LocalFleet::StartAgent(const std::string& address) {
  std::vector<std::string> arguments{"run", "--server", address, "--state",
                                     options_.state + "/agent"};
  if (!options_.data.empty()) arguments.insert(arguments.end(), {"--data", options_.data});
  if (!options_.name.empty()) arguments.insert(arguments.end(), {"--name", options_.name});
  return StartPart(agent_, std::move(arguments));
}

const LocalFleet::Part* LocalFleet::EndedPart() const {
  for (const Part* part : {&server_, &agent_}) {
    if (part->process != nullptr && part->process->exit_code()) return part;
  }
  return nullptr;
}

absl::Status LocalFleet::Health() const {
  const Part* part = EndedPart();
  if (part == nullptr) return absl::OkStatus();
  const std::string ended =
      part->program + " ended by itself (" + HowItEnded(*part->process->exit_code()) + ")";
  const absl::Status told =
      ErrorInLog(ReadFrom(part->log, part->log_begin), absl::StatusCode::kInternal, "");
  if (MessageOf(told).empty())
    return WithHint(absl::StatusCode::kInternal, ended, "its log is " + part->log);
  return WithHint(absl::StatusCode::kInternal, part->program + ": " + MessageOf(told),
                  HintOf(told));
}

std::string LocalFleet::LastLines() const {
  const Part* part = EndedPart();
  return part == nullptr ? "" : TailOf(ReadFrom(part->log, part->log_begin), kShownLines);
}

void LocalFleet::Stop() {
  if (agent_.process != nullptr) agent_.process->Stop(kStopGrace);
  if (server_.process != nullptr) server_.process->Stop(kStopGrace);
}

}  // namespace laptime::client
