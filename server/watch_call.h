#pragma once

#include <grpcpp/support/server_callback.h>

#include <functional>

#include "laptime/v1/control.pb.h"
#include "server/coordinator.h"
#include "server/event_hub.h"

namespace laptime {

// Events that a watcher has not read; beyond it the stream ends with ABORTED and the client watches
// again from where it is. Not many: a watcher that reads nothing holds them.
inline constexpr size_t kMaxQueuedToWatcher = 1024;

// Starts one WatchJob call: the stored events after `after_seq`, then live ones, until the job has
// ended. `still_good` is asked before each live event and at EventHub::Recheck; once it says no,
// the call ends.
grpc::ServerWriteReactor<v1::JobEvent>* StartWatch(Coordinator& coordinator, EventHub& hub,
                                                   const v1::WatchJobRequest& request,
                                                   std::function<bool()> still_good);

// A call that is refused before it begins.
grpc::ServerWriteReactor<v1::JobEvent>* RefuseWatch(const absl::Status& status);

}  // namespace laptime
