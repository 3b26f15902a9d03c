#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/trainer/device.h"

namespace laptime::trainer {

// How long a rank waits for another one: longer than any evaluation's part, short enough that a
// rank that hangs ends the attempt.
inline constexpr std::chrono::minutes kRankTimeout{10};

// The processes that train one run together, each on a device of its own: collective operations of
// tensors by c10d, in host memory through Gloo over loopback, on NVIDIA devices through NCCL. Every
// rank must call the same operations in
// the same order. One thread. All throw TrainerError (infrastructure) when a rank is gone or silent
// for kRankTimeout.
class RankGroup {
 public:
  // Why this build has none; nothing where it has.
  static std::optional<std::string> Missing();

  // Blocks until all `size` ranks have come to the same `meeting` file, which must be empty. Throws
  // TrainerError (setup) when `device` is CUDA and this build or machine has no NCCL.
  RankGroup(const std::filesystem::path& meeting, int rank, int size, const Device& device);
  ~RankGroup();

  RankGroup(const RankGroup&) = delete;
  RankGroup& operator=(const RankGroup&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }

  // "Gloo" or "NCCL": what gradients travel by.
  std::string transport() const;

  // An operation under way; its tensor is not to be touched before Wait. On a CUDA device its
  // stream waits, not the host.
  class Pending {
   public:
    virtual ~Pending() = default;
    virtual void Wait() = 0;
  };

  // Sums over all ranks, in place.
  std::unique_ptr<Pending> BeginSum(const at::Tensor& tensor);
  void Sum(const at::Tensor& tensor);

  // Every rank's tensor, of one shape, by rank.
  std::vector<at::Tensor> Gather(const at::Tensor& tensor);

  // Rank 0's values, in place.
  void CopyFromFirst(const std::vector<at::Tensor>& tensors);

 private:
  struct Backend;

  const int rank_;
  const int size_;
  const int exceptions_ = std::uncaught_exceptions();  // when it was made
  std::unique_ptr<Backend> backend_;
};

// Rows [N,D] of all ranks, by rank: [size·N,D]. Differentiable: what other ranks' losses say of
// these rows comes back too, so every rank must run its backward pass.
at::Tensor GatherRows(RankGroup& ranks, const at::Tensor& rows);

}  // namespace laptime::trainer
