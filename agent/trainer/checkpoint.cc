#include "agent/trainer/checkpoint.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>

#include <exception>
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
constexpr char kPixels[] = "pixels";
constexpr char kThreads[] = "threads";
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

TrainingProgress ProgressIn(const TensorFile& file) {
  const auto integer = [&](const char* name) {
    return static_cast<int>(file.Get(name, at::kLong, {}).item<int64_t>());
  };
  return {integer(kEpochs),
          file.Get(kMaxKnnAccuracy, at::kDouble, {}).item<double>(),
          {static_cast<PixelLayout>(integer(kPixels)), integer(kThreads)}};
}

}  // namespace

std::optional<TrainingProgress> Checkpoint::Peek() const {
  std::error_code ignored;
  if (path_.empty() || !std::filesystem::exists(path_, ignored)) return std::nullopt;
  try {
    return ProgressIn(TensorFile::Read(path_.string()));
  } catch (const TrainerError&) {
    return std::nullopt;  // Restore tells
  }
}

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
    const TrainingProgress progress = ProgressIn(file);
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

std::filesystem::path Checkpoint::Fresh() const { return path_.string() + ".new"; }

void Checkpoint::Keep(const std::vector<at::Tensor>& state, const TrainingProgress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (path_.empty() || (saved_.has_value() && now - *saved_ < kCheckpointPeriod)) return;
  try {
    Write(state, progress);
    saved_ = now;
  } catch (const std::exception& error) {
    Log(std::string("warning: no checkpoint: ") + error.what());
    std::error_code ignored;
    std::filesystem::remove(Fresh(), ignored);
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
  tensors[kPixels] = at::scalar_tensor(static_cast<int>(progress.layout.pixels), at::kLong);
  tensors[kThreads] = at::scalar_tensor(progress.layout.threads, at::kLong);
  WriteTensors(Fresh().string(), tensors);
  if (const std::error_code error = ReplaceDurably(Fresh(), path_)) {
    throw TrainerError(FailureCause::kSetup,
                       "cannot write " + path_.string() + ": " + error.message(), "");
  }
}

}  // namespace laptime::trainer
