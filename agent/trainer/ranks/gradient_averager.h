#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "agent/trainer/ranks/rank_group.h"

namespace laptime::trainer {

// Bytes of gradients that travel at once. PyTorch's DistributedDataParallel has the same, and a
// smaller first bucket for the same reason: it is under way while there is much left to compute.
inline constexpr int64_t kBucketBytes = 25 << 20;
inline constexpr int64_t kFirstBucketBytes = 1 << 20;

// Makes the gradients of all parameters the mean over the ranks: each flat bucket is sent as soon
// as the backward pass has the last of its gradients, while the pass goes on. One thread.
class GradientAverager {
 public:
  // Takes a hook in each parameter for as long as it lives.
  GradientAverager(RankGroup& ranks, std::vector<at::Tensor> parameters);
  ~GradientAverager();

  GradientAverager(const GradientAverager&) = delete;
  GradientAverager& operator=(const GradientAverager&) = delete;

  // After each backward pass: every parameter's grad is the mean.
  void Finish();

 private:
  struct Bucket {
    std::vector<size_t> parameters;
    at::Tensor flat;
    size_t waiting = 0;  // gradients that are not there yet
    std::unique_ptr<RankGroup::Pending> sum;
  };

  void OnGradient(size_t parameter, const at::Tensor& gradient);
  // The bucket's part that is the parameter's, as it lies.
  at::Tensor PartOf(const Bucket& bucket, size_t parameter) const;

  RankGroup& ranks_;
  const std::vector<at::Tensor> parameters_;
  std::vector<Bucket> buckets_;     // in the order in which gradients come
  std::vector<size_t> bucket_of_;   // by parameter
  std::vector<int64_t> offset_of_;  // by parameter, within its bucket
  std::vector<unsigned> hooks_;     // by parameter
  size_t begun_ = 0;                // buckets: in the same order on all ranks
};

}  // namespace laptime::trainer
