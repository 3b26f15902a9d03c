#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "agent/trainer/config.h"
#include "agent/trainer/dataset.h"
#include "agent/trainer/device.h"
#include "agent/trainer/feature_maker.h"
#include "agent/trainer/knn.h"
#include "agent/trainer/lap_clock.h"
#include "agent/trainer/model.h"

namespace laptime::trainer {

class RankGroup;

// What a part of an evaluation took, batch by batch, and how many such batches the whole has.
struct EvaluationSample {
  std::vector<double> bank_seconds;
  std::vector<double> test_seconds;
  double bank_batches = 0;
  double test_batches = 0;
  int bank_images = 0;  // evaluated here
  int test_images = 0;
};

// The kNN evaluation after an epoch: features of all training images as the bank, then a weighted
// vote for each test image. Keeps both sets on the device. One thread; `data` must outlive it.
class Evaluation {
 public:
  // Told after every batch: the phase's name, images done, images in all. May throw to stop.
  using OnProgress = std::function<void(const char* phase, int done, int all)>;

  // With `ranks` each makes its share of the features and votes; all must call the same.
  Evaluation(const Dataset& data, const Workload& workload, const Device& device,
             RankGroup* ranks = nullptr);

  // Top-1 accuracy over the test images. Enters kBank, then kKnn; leaves `clock` in kOther.
  double Run(const Model& model, LapClock& clock, const OnProgress& on_progress);

  // From now on whole batches of features are a CUDA graph. Throws c10::Error when they cannot be
  // recorded.
  void Record(const Model& model, std::unique_ptr<CudaGraph> graph);

  // A batch of each size and a vote: what the first evaluation would otherwise spend on start-up
  // costs. On MPS also finds out where the neighbours are sorted out faster.
  void WarmUp(const Model& model);

  // Times `share` of the batches of each kind, at least a few, against a bank of full size. Enters
  // kBank, then kKnn; leaves `clock` in kOther.
  EvaluationSample Sample(const Model& model, double share, LapClock& clock);

  int bank_images() const { return static_cast<int>(bank_images_.size(0)); }
  int test_images() const { return static_cast<int>(test_images_.size(0)); }

 private:
  at::Tensor MakeBank(const Model& model, const OnProgress& on_progress) const;
  int CountCorrect(const Model& model, const at::Tensor& bank, const OnProgress& on_progress) const;

  RankShare Share() const;
  // As large as the true bank, of some rows again and again: a vote takes as long with it.
  at::Tensor BankLike(const at::Tensor& features) const;
  double VoteSeconds(const at::Tensor& features, const at::Tensor& bank, bool sort_on_host) const;

  const Device device_;
  RankGroup* const ranks_;  // may be nullptr
  FeatureMaker features_;
  const at::Tensor bank_images_;
  const at::Tensor bank_labels_;
  const at::Tensor test_images_;
  const at::Tensor test_labels_;
  KnnOptions vote_;
};

}  // namespace laptime::trainer
