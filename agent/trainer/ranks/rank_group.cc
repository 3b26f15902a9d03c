#include "agent/trainer/ranks/rank_group.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <exception>
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <utility>
#include <variant>

#include "agent/trainer/cuda/cuda_module.h"
#include "agent/trainer/failure.h"

namespace laptime::trainer {
namespace {

constexpr char kLoopback[] = "127.0.0.1";

// Does what needs the other ranks.
template <typename Work>
auto Together(const Work& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    const std::string text = error.what();
    throw TrainerError(FailureCause::kInfrastructure,
                       "another rank is gone or silent: " + text.substr(0, text.find('\n')),
                       "the run's log has what the ranks said");
  }
}

class C10dWork : public RankGroup::Pending {
 public:
  explicit C10dWork(c10::intrusive_ptr<c10d::Work> work) : work_(std::move(work)) {}
  void Wait() override {
    Together([this] { return work_->wait(); });
  }

 private:
  c10::intrusive_ptr<c10d::Work> work_;
};

decltype(CudaModule::new_nccl) FindNccl() {
  const auto opened = OpenCudaModule();
  const auto* const* module = std::get_if<const CudaModule*>(&opened);
  if (module != nullptr && (*module)->new_nccl != nullptr) return (*module)->new_nccl;
  throw TrainerError(
      FailureCause::kSetup,
      "no NCCL for several NVIDIA devices: " +
          (module != nullptr ? "this trainer was built without it" : std::get<std::string>(opened)),
      "deploy/setup and deploy/build on a machine with an NVIDIA driver bring it; or "
      "devices_per_run=1");
}

class RowsOfAll : public torch::autograd::Function<RowsOfAll> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& rows,
                            RankGroup* ranks) {
    context->saved_data["ranks"] = reinterpret_cast<int64_t>(ranks);
    return at::cat(ranks->Gather(rows));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    auto& ranks = *reinterpret_cast<RankGroup*>(context->saved_data["ranks"].toInt());
    const at::Tensor all = gradients[0].contiguous();
    ranks.Sum(all);
    const int64_t rows = all.size(0) / ranks.size();
    return {all.narrow(0, rows * ranks.rank(), rows), {}};
  }
};

}  // namespace

struct RankGroup::Backend {
  c10::intrusive_ptr<c10d::Backend> gloo;
  c10::intrusive_ptr<c10d::Backend> nccl;  // none on a CPU

  c10d::Backend& Of(const at::Tensor& tensor) const { return tensor.is_cpu() ? *gloo : *nccl; }
};

std::optional<std::string> RankGroup::Missing() { return std::nullopt; }

RankGroup::RankGroup(const std::filesystem::path& meeting, int rank, int size, const Device& device)
    : rank_(rank), size_(size), backend_(std::make_unique<Backend>()) {
  const auto store = c10::make_intrusive<c10d::FileStore>(meeting.string(), size);
  store->setTimeout(kRankTimeout);
  auto options = c10d::ProcessGroupGloo::Options::create(kRankTimeout);
  options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(kLoopback));
  options->threads = 1;
  backend_->gloo = Together(
      [&] { return c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options); });
  if (!device.cuda()) return;
  const auto new_nccl = FindNccl();
  backend_->nccl = Together([&] {
    return new_nccl(c10::make_intrusive<c10d::PrefixStore>("nccl", store), rank, size,
                    kRankTimeout);
  });
}

RankGroup::~RankGroup() {
  if (!backend_->nccl) return;
  try {
    // A shutdown waits for the other ranks, who do not come when this one has failed.
    if (std::uncaught_exceptions() > exceptions_) {
      backend_->nccl->abort();
    } else {
      backend_->nccl->shutdown();
    }
  } catch (const std::exception&) {
    // Another rank is gone, which whoever waits for it tells.
  }
}

std::string RankGroup::transport() const { return backend_->nccl ? "NCCL" : "Gloo"; }

std::unique_ptr<RankGroup::Pending> RankGroup::BeginSum(const at::Tensor& tensor) {
  std::vector<at::Tensor> tensors = {tensor};
  return std::make_unique<C10dWork>(
      Together([&] { return backend_->Of(tensor).allreduce(tensors); }));
}

void RankGroup::Sum(const at::Tensor& tensor) { BeginSum(tensor)->Wait(); }

std::vector<at::Tensor> RankGroup::Gather(const at::Tensor& tensor) {
  std::vector<at::Tensor> input = {tensor.contiguous()};
  std::vector<std::vector<at::Tensor>> output(1);
  for (int rank = 0; rank < size_; ++rank) output[0].push_back(at::empty_like(input[0]));
  Together([&] { return backend_->Of(tensor).allgather(output, input)->wait(); });
  return output[0];
}

void RankGroup::CopyFromFirst(const std::vector<at::Tensor>& tensors) {
  for (const at::Tensor& tensor : tensors) {
    std::vector<at::Tensor> one = {tensor};
    Together([&] { return backend_->Of(tensor).broadcast(one)->wait(); });
  }
}

at::Tensor GatherRows(RankGroup& ranks, const at::Tensor& rows) {
  return RowsOfAll::apply(rows, &ranks);
}

}  // namespace laptime::trainer
