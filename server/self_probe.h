#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"

namespace laptime {

inline constexpr std::chrono::seconds kSelfProbePeriod{5};
inline constexpr std::chrono::seconds kSelfProbeLimit{6};  // for one answer
inline constexpr int kSelfProbeFailures = 2;               // in a row

// Calls on the server's own port now and then, and says when nobody answers there any more: gRPC
// 1.51 stops to accept connections for good once the process had no descriptor left for one
// (CVE-2023-4785). Whoever is told ends the process, and its supervisor starts it anew; agents come
// back by themselves and running trainers do not notice.
//
// `deaf` is called once, on a thread of its own, within 30 s. A process that was stopped and goes
// on is not deaf: one failure alone does not count.
class SelfProbe {
 public:
  using Ask = std::function<absl::Status()>;

  // `ask`: one call on the port.
  SelfProbe(Ask ask, std::function<void()> deaf,
            std::chrono::milliseconds period = kSelfProbePeriod);

 private:
  std::jthread thread_;
};

// Where this process reaches itself: an address that means every interface becomes loopback.
std::string OwnAddress(const std::string& listening);

}  // namespace laptime
