#include "agent/trainer/cuda/module/nccl.h"

#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#include <utility>

namespace laptime::trainer {

c10::intrusive_ptr<c10d::Backend> NewNccl(c10::intrusive_ptr<c10d::Store> store, int rank, int size,
                                          std::chrono::milliseconds timeout) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(std::move(store), rank, size,
                                                     std::move(options));
}

}  // namespace laptime::trainer
