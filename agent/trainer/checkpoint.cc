#include "agent/trainer/checkpoint.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>

#include <utility>

#include "agent/trainer/failure.h"
#include "agent/trainer/log.h"
#include "agent/trainer/tensor_file.h"
#include "proto/support/durable_file.h"

namespace laptime::trainer {
namespace {

constexpr char kIdentity[] = "identity";
constexpr char kEpochs[] = "epochs";
constexpr char kMaxKnnAccuracy[] = "max_knn_accuracy";
constexpr char kSums[] = "sums";

std::string StateName(size_t index) { return "state/" + std::to_string(index); }

// Text as a tensor of bytes, which lives on its own.
at::Tensor AsTensor(const std::string& text) {
  return at::from_blob(const_cast<char*>(text.data()), {static_cast<int64_t>(text.size())},
                       at::kByte)
      .clone();
}

std::string AsText(const at::Tensor& bytes) {
  return {static_cast<const char*>(bytes.const_data_ptr()), static_cast<size_t>(bytes.numel())};
}

// One number a tensor, of its bytes.
at::Tensor SumsOf(const std::vector<at::Tensor>& tensors) {
  std::vector<int64_t> sums;
  for (const at::Tensor& tensor : tensors)
    sums.push_back(tensor.reshape({-1}).view(at::kByte).sum(at::kLong).item<int64_t>());
  return at::tensor(sums, at::kLong);
}

}  // namespace

std::optional<TrainingProgress> Checkpoint::Restore(const std::vector<at::Tensor>& state,
                                                    std::optional<int> max_epochs) const {
  std::error_code ignored;
  if (path_.empty() || !std::filesystem::exists(path_, ignored)) return std::nullopt;
  try {
    const TensorFile file = TensorFile::Read(path_.string());
    if (AsText(file.Get(kIdentity, at::kByte, {kAnySize})) != identity_)
      file.Refuse("it belongs to other work");
    std::vector<at::Tensor> kept;
    for (size_t i = 0; i < state.size(); ++i)
      kept.push_back(file.Get(StateName(i), state[i].scalar_type(), state[i].sizes()));
    const TrainingProgress progress = {
        static_cast<int>(file.Get(kEpochs, at::kLong, {}).item<int64_t>()),
        file.Get(kMaxKnnAccuracy, at::kDouble, {}).item<double>()};
    const at::Tensor sums = file.Get(kSums, at::kLong, {std::ssize(state)});
    if (!sums.equal(SumsOf(kept))) file.Refuse("it is damaged");
    if (max_epochs && progress.epochs > *max_epochs) {
      file.Refuse("it is of " + std::to_string(progress.epochs) + " epochs, of which only " +
                  std::to_string(*max_epochs) + " are recorded");
    }
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < state.size(); ++i) at::Tensor(state[i]).copy_(kept[i]);
    return progress;
  } catch (const TrainerError& error) {
    Log(std::string("warning: the checkpoint is not used: ") + error.what());
    return std::nullopt;
  }
}

void Checkpoint::Keep(const std::vector<at::Tensor>& state, const TrainingProgress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (path_.empty() || (saved_.has_value() && now - *saved_ < kCheckpointPeriod)) return;
  try {
    Write(state, progress);
    saved_ = now;
  } catch (const TrainerError& error) {
    Log(std::string("warning: no checkpoint: ") + error.what());
  }
}

void Checkpoint::Write(const std::vector<at::Tensor>& state,
                       const TrainingProgress& progress) const {
  NamedTensors tensors;
  std::vector<at::Tensor> kept;
  for (const at::Tensor& tensor : state) {
    kept.push_back(tensor.cpu().contiguous());
    tensors[StateName(kept.size() - 1)] = kept.back();
  }
  tensors[kSums] = SumsOf(kept);
  tensors[kIdentity] = AsTensor(identity_);
  tensors[kEpochs] = at::scalar_tensor(progress.epochs, at::kLong);
  tensors[kMaxKnnAccuracy] = at::scalar_tensor(progress.max_knn_accuracy, at::kDouble);
  const std::filesystem::path fresh = path_.string() + ".new";
  WriteTensors(fresh.string(), tensors);
  if (const std::error_code error = ReplaceDurably(fresh, path_)) {
    throw TrainerError(FailureCause::kSetup,
                       "cannot write " + path_.string() + ": " + error.message(), "");
  }
}

}  // namespace laptime::trainer
