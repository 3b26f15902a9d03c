#pragma once

#include "agent/trainer/cuda/cuda_module.h"

namespace laptime::trainer {

// See CudaModule. Headers of all of CUDA's libraries are needed to build it, which only a machine
// with the CUDA flavour of LibTorch has.
c10::intrusive_ptr<c10d::Backend> NewNccl(c10::intrusive_ptr<c10d::Store> store, int rank, int size,
                                          std::chrono::milliseconds timeout);

#ifdef LAPTIME_NCCL
inline constexpr decltype(CudaModule::new_nccl) kNewNccl = &NewNccl;
#else
inline constexpr decltype(CudaModule::new_nccl) kNewNccl = nullptr;
#endif

}  // namespace laptime::trainer
