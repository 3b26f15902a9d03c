#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGraph.h>

#include <exception>

#include "agent/trainer/cuda/module/nccl.h"

namespace laptime::trainer {
namespace {

// A recording that failed leaves LibTorch's allocators recording, since capture_end throws before
// it tells them.
class Recording : public at::cuda::CUDAGraph {
 public:
  void Abandon() {
    using c10::cuda::CUDACachingAllocator::endAllocateToPool;
    using c10::cuda::CUDACachingAllocator::releasePool;
    Ignoring([&] { capture_end(); });
    if (capture_dev_ == UNDEFINED_DEVICE) return;
    Ignoring([&] { endAllocateToPool(capture_dev_, mempool_id_); });
    Ignoring([&] { at::getHostAllocator(at::kCUDA)->end_allocate_to_pool(mempool_id_); });
    Ignoring([&] { releasePool(capture_dev_, mempool_id_); });
  }

 private:
  // That it failed is known.
  template <typename Work>
  static void Ignoring(const Work& work) {
    try {
      work();
    } catch (const std::exception&) {
    }
  }
};

class RecordedGraph : public CudaGraph {
 public:
  void Record(const std::function<void()>& work) override {
    try {
      graph_.capture_begin();
      work();
      graph_.capture_end();
    } catch (...) {
      graph_.Abandon();
      throw;
    }
  }

  void Replay() override { graph_.replay(); }

 private:
  Recording graph_;
};

std::unique_ptr<CudaGraph> NewGraph() { return std::make_unique<RecordedGraph>(); }

}  // namespace
}  // namespace laptime::trainer

extern "C" __attribute__((visibility("default"))) const laptime::trainer::CudaModule*
LaptimeCudaModule() {
  static constexpr laptime::trainer::CudaModule kModule = {&laptime::trainer::NewGraph,
                                                           laptime::trainer::kNewNccl};
  return &kModule;
}
