#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "laptime/v1/control.pb.h"
#include "proto/support/mutex.h"

namespace laptime {

// Hands job events to whoever watches that job.
//
// Thread-safe. A watcher is called on the thread that publishes, rechecks or closes, on several at
// once, too, and must not block; it is not called after Unwatch has returned on that thread, and
// may be called once more when they race (a watcher checks its own end).
class EventHub {
 public:
  using Watcher = std::function<void(const v1::JobEvent&)>;

  // Returns the number to give to Unwatch.
  int64_t Watch(const std::string& job_id, Watcher watcher);
  void Unwatch(const std::string& job_id, int64_t number);
  void Publish(const v1::JobEvent& event);
  // Has every watcher look whether it may still watch: an event of its job that says nothing.
  void Recheck();
  // Whether anybody watches any job.
  bool IsWatched() const;

  // Tells every watcher, with an event that names no job, that nothing more will come; later ones
  // at once.
  void CloseAll();

 private:
  mutable Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  int64_t next_ ABSL_GUARDED_BY(mu_) = 1;
  std::map<std::string, std::map<int64_t, std::shared_ptr<Watcher>>> watchers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace laptime
