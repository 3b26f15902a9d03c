#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace laptime::trainer {

// How a rank's process ended.
struct RankEnd {
  int rank = 0;
  std::optional<int> exit_code;  // absent: a signal ended it
  std::string how;               // "was killed by signal 9"
};

// Rank 0's view of the others: this very program, started once for each further rank, in this
// process's group, with its words going to this one's log. A rank that ends before Finish ends the
// attempt, for what is left would wait for it. Destroying it kills what is left and reaps it.
class RankProcesses {
 public:
  // Called at most once, in a thread of its own, with the first rank that ended before Finish. It
  // is expected to end this process.
  using OnLoss = std::function<void(const RankEnd& end)>;

  explicit RankProcesses(OnLoss on_loss) : on_loss_(std::move(on_loss)) {}
  ~RankProcesses();

  RankProcesses(const RankProcesses&) = delete;
  RankProcesses& operator=(const RankProcesses&) = delete;

  // Starts the next rank, the first one as rank 1, with these arguments, without the program's
  // name. Call it in the main thread: the kernel ends the rank with the thread that started it.
  // Throws TrainerError (infrastructure) when it cannot be started.
  void Start(const std::vector<std::string>& arguments);

  // From now on a rank may end.
  void Finish();

  // Blocks until on_loss was called and came back, `patience` at most; not at all where there is no
  // rank. What failed here has failed, as a rule, because a rank has ended, and the kernel tells of
  // the connection before it tells of the process.
  void AwaitLoss(std::chrono::milliseconds patience);

 private:
  void Watch(int rank, pid_t process);

  const OnLoss on_loss_;
  std::vector<pid_t> processes_;
  std::mutex mu_;  // guards what follows
  std::condition_variable changed_;
  bool finishing_ = false;
  bool told_ = false;

  std::vector<std::jthread> watchers_;  // one a process
};

}  // namespace laptime::trainer
