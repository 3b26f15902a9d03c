#include "server/answer.h"

#include "proto/support/status.h"

namespace laptime {

grpc::Status Answer(const absl::Status& status) {
  if (!absl::IsUnavailable(status)) return ToGrpc(status);
  return ToGrpc(WithHint(absl::StatusCode::kInternal,
                         "the coordinator's database did not answer: " + MessageOf(status),
                         "ask again; if it stays so, look at the coordinator's log and its disk"));
}

}  // namespace laptime
