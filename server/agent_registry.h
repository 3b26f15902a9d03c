#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "laptime/v1/agent.pb.h"
#include "proto/support/clock.h"
#include "proto/support/mutex.h"

namespace laptime {

// The coordinator's end of one agent's stream.
class AgentLink {
 public:
  virtual ~AgentLink() = default;
  // False when the stream is closing or its peer does not read. Does not block.
  virtual bool Send(v1::CoordinatorMessage message) = 0;
  // Ends the stream with that status, after what was sent before. Does not block.
  virtual void Close(const absl::Status& status) = 0;
  // Ends the stream of a peer that does not read: what waits is dropped, nothing more is taken, and
  // the end comes once the peer reads on, or its connection breaks. Does not block.
  virtual void CutOff() = 0;
};

// Which agents are attached, until when each is trusted, and which attempts each machine still
// holds.
//
// Thread-safe. A host counts as away once its lease ends, whether or not its stream has noticed.
// Time away counts on the coordinator's own monotonic clock from the later of its start and the
// host's last message. `clock` must outlive the registry. Links are called without the lock held.
class AgentRegistry {
 public:
  AgentRegistry(const Clock& clock, std::chrono::milliseconds lease)
      : clock_(clock), lease_(lease) {}

  // Makes `link` the host's live stream; an older one is ended with Goodbye{replaced}. `held` are
  // the attempts that the agent still has alive.
  void Attach(const std::string& host_id, std::shared_ptr<AgentLink> link,
              const std::vector<v1::AttemptRef>& held, bool run_in_parallel);
  // The stream ended. Nothing happens when another link has taken its place.
  void Detach(const std::string& host_id, const AgentLink* link);
  // Renews the lease; false when that link is not (or no longer) the host's.
  bool Renew(const std::string& host_id, const AgentLink* link);

  // Sends to the host's live stream. A peer that takes nothing is cut off: it comes back and is
  // told anew.
  bool Send(const std::string& host_id, const v1::CoordinatorMessage& message);

  // Ends the host's live stream; the agent comes back and is told anew.
  void Disconnect(const std::string& host_id, const absl::Status& status);

  // The machine has that attempt until Released: nothing else is sent there meanwhile.
  void Hold(const std::string& host_id, const v1::AttemptRef& attempt);
  void Release(const v1::AttemptRef& attempt);

  bool IsAttached(const std::string& host_id) const;
  // Attached, and free to take another run.
  bool IsFree(const std::string& host_id) const;
  bool RunsInParallel(const std::string& host_id) const;
  std::vector<std::string> AttachedHosts() const;

  // How long the host has been away; nothing while its lease holds. `started` bounds it for
  // hosts never seen.
  std::chrono::milliseconds AwayFor(const std::string& host_id,
                                    std::chrono::steady_clock::time_point started) const;

  // Ends every stream; none is taken any more.
  void CloseAll(const absl::Status& status);

 private:
  struct Entry {
    std::shared_ptr<AgentLink> link;  // null after Detach
    std::chrono::steady_clock::time_point last_heard;
    std::set<std::string> held;  // "run/number"
    bool run_in_parallel = false;
  };

  static std::string Name(const v1::AttemptRef& attempt);
  std::shared_ptr<AgentLink> LinkOf(const std::string& host_id) const;
  bool Leased(const Entry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const Clock& clock_;
  const std::chrono::milliseconds lease_;

  mutable Mutex mu_;
  std::map<std::string, Entry> hosts_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace laptime
