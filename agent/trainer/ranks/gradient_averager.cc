#include "agent/trainer/ranks/gradient_averager.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <utility>

namespace laptime::trainer {

GradientAverager::GradientAverager(RankGroup& ranks, std::vector<at::Tensor> parameters)
    : ranks_(ranks),
      parameters_(std::move(parameters)),
      bucket_of_(parameters_.size()),
      offset_of_(parameters_.size()) {
  // The backward pass comes to the last parameters first.
  int64_t filled = 0;
  for (size_t i = parameters_.size(); i-- > 0;) {
    const auto bytes = static_cast<int64_t>(parameters_[i].nbytes());
    const int64_t limit = buckets_.size() <= 1 ? kFirstBucketBytes : kBucketBytes;
    if (buckets_.empty() || filled + bytes > limit) {
      buckets_.emplace_back();
      filled = 0;
    }
    bucket_of_[i] = buckets_.size() - 1;
    offset_of_[i] = filled / static_cast<int64_t>(parameters_[i].element_size());
    buckets_.back().parameters.push_back(i);
    filled += bytes;
  }
  for (Bucket& bucket : buckets_) {
    int64_t count = 0;
    for (const size_t i : bucket.parameters) count += parameters_[i].numel();
    bucket.flat = at::empty({count}, parameters_[bucket.parameters.front()].detach().options());
    bucket.waiting = bucket.parameters.size();
  }
  for (size_t i = 0; i < parameters_.size(); ++i) {
    hooks_.push_back(parameters_[i].register_hook(
        [this, i](const at::Tensor& gradient) { OnGradient(i, gradient); }));
  }
}

GradientAverager::~GradientAverager() {
  for (size_t i = 0; i < parameters_.size(); ++i) parameters_[i].remove_hook(hooks_[i]);
}

at::Tensor GradientAverager::PartOf(const Bucket& bucket, size_t parameter) const {
  return bucket.flat.as_strided(parameters_[parameter].sizes(), parameters_[parameter].strides(),
                                offset_of_[parameter]);
}

void GradientAverager::OnGradient(size_t parameter, const at::Tensor& gradient) {
  const at::NoGradGuard no_grad;
  Bucket& bucket = buckets_[bucket_of_[parameter]];
  PartOf(bucket, parameter).copy_(gradient);
  --bucket.waiting;
  for (; begun_ < buckets_.size() && buckets_[begun_].waiting == 0; ++begun_)
    buckets_[begun_].sum = ranks_.BeginSum(buckets_[begun_].flat);
}

void GradientAverager::Finish() {
  const at::NoGradGuard no_grad;
  for (Bucket& bucket : buckets_) {
    bucket.sum->Wait();
    bucket.flat.div_(ranks_.size());
    for (const size_t i : bucket.parameters)
      at::Tensor(parameters_[i]).mutable_grad() = PartOf(bucket, i);
    bucket.waiting = bucket.parameters.size();
  }
  begun_ = 0;
}

}  // namespace laptime::trainer
