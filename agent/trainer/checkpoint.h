#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/trainer/layout.h"

namespace laptime::trainer {

// How far a training has come, and how it is computed: with another layout, what is resumed would
// differ in its last digits from what was not broken off.
struct TrainingProgress {
  int epochs = 0;
  double max_knn_accuracy = 0;
  Layout layout;
};

// At most one checkpoint in this time: an epoch of a second does not wait for 90 MB each time.
inline constexpr std::chrono::seconds kCheckpointPeriod{10};

// A file from which a training goes on after its process died. Written whole or not at all, also
// when the power fails, and with sums that tell holes in it (PyTorch's reader checks none); at most
// one epoch, or kCheckpointPeriod, is lost. The random streams are named by epoch, so parameters,
// running statistics and momentum are all there is to keep. One thread.
class Checkpoint {
 public:
  // An empty `path` keeps nothing. `identity` says what is trained: a file of other work is not
  // gone on from.
  Checkpoint(std::filesystem::path path, std::string identity)
      : path_(std::move(path)), identity_(std::move(identity)) {}

  // What the file tells, whether or not Restore can use it.
  std::optional<TrainingProgress> Peek() const;

  // Fills `state` with what the file holds. Nothing, and `state` as it was, when there is no file,
  // it does not fit, it is damaged or of more than `max_epochs`; the log then says why.
  std::optional<TrainingProgress> Restore(const std::vector<at::Tensor>& state,
                                          std::optional<int> max_epochs) const;

  // Saves when the last time is long enough ago. A disk that refuses, or too little memory, is told
  // to the log: the training goes on without.
  void Keep(const std::vector<at::Tensor>& state, const TrainingProgress& progress);

 private:
  std::filesystem::path Fresh() const;  // what becomes the file once it is whole
  void Write(const std::vector<at::Tensor>& state, const TrainingProgress& progress) const;

  const std::filesystem::path path_;
  const std::string identity_;
  std::optional<std::chrono::steady_clock::time_point> saved_;
};

}  // namespace laptime::trainer
