#include <ATen/cuda/CUDAGraph.h>

#include "agent/trainer/cuda/module/nccl.h"

namespace laptime::trainer {
namespace {

class RecordedGraph : public CudaGraph {
 public:
  void Record(const std::function<void()>& work) override {
    graph_.capture_begin();
    try {
      work();
    } catch (...) {
      Abandon();
      throw;
    }
    graph_.capture_end();
  }

  void Replay() override { graph_.replay(); }

 private:
  // Takes stream and allocator out of recording.
  void Abandon() {
    try {
      graph_.capture_end();
    } catch (const c10::Error&) {
      // It says that the recording failed, which is known.
    }
  }

  at::cuda::CUDAGraph graph_;
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
