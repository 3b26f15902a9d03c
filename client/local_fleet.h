#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "client/child_process.h"

namespace laptime::client {

// How long a part may take to start, and to stop before it is killed.
inline constexpr std::chrono::seconds kStartLimit{30};
inline constexpr std::chrono::seconds kStopGrace{10};
// A log larger than this is set aside as FILE.1 at the next start.
inline constexpr size_t kLargestLog = 4 * 1024 * 1024;

// The coordinator and the agent of `laptime up`: started from the folder of this program, stopped
// together.
//
// Used by one thread; `on_end` is called from others whenever a part ends, also while being
// stopped. Both parts are told this process's number and end by themselves when it is gone. The
// destructor stops them.
class LocalFleet {
 public:
  struct Options {
    std::string program_directory;
    std::string state;   // database and logs; the agent's files lie in STATE/agent
    std::string listen;  // "ADDRESS:PORT"; empty = the coordinator's default
    std::optional<int> port;
    std::string name;  // host name; empty = the machine's
    std::string data;  // data directory; empty = the agent's default
  };

  LocalFleet(Options options, std::function<void()> on_end);
  ~LocalFleet();
  LocalFleet(const LocalFleet&) = delete;
  LocalFleet& operator=(const LocalFleet&) = delete;

  // Makes the state directory; kPermissionDenied when it cannot be written.
  absl::Status Prepare();
  // Starts the coordinator and returns the address that it told; an error when it ended or stayed
  // silent.
  absl::StatusOr<std::string> StartServer(std::stop_token stop);
  absl::Status StartAgent(const std::string& address);

  // Why the fleet is no longer whole: which part ended, with its own error if it told one. Ok while
  // both run.
  absl::Status Health() const;
  // The newest lines in the log of the part that ended; empty while both run.
  std::string LastLines() const;

  // The agent first, so that the coordinator still hears of the end of its runs.
  void Stop();

 private:
  struct Part {
    std::string program;    // "laptime-server"
    std::string log;        // file
    int64_t log_begin = 0;  // where this start's lines begin
    std::unique_ptr<ChildProcess> process;
  };

  absl::Status StartPart(Part& part, std::vector<std::string> arguments);
  const Part* EndedPart() const;

  const Options options_;
  const std::function<void()> on_end_;
  Part server_;
  Part agent_;
};

// The `error:` and `hint:` lines in a log, as a status of `code`; `otherwise` is the message when
// there are none.
absl::Status ErrorInLog(const std::string& log, absl::StatusCode code,
                        const std::string& otherwise);

// The last `count` lines.
std::string TailOf(const std::string& text, int count);

}  // namespace laptime::client
