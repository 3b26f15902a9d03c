#include "agent/trainer/evaluation.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "agent/trainer/lap_estimate.h"
#include "agent/trainer/pixels.h"
#include "agent/trainer/process_clock.h"
#include "agent/trainer/ranks/rank_group.h"

namespace laptime::trainer {

Evaluation::Evaluation(const Dataset& data, const Workload& workload, const Device& device,
                       RankGroup* ranks)
    : device_(device),
      ranks_(ranks),
      features_(workload.precision, device),
      bank_images_(ImagesOn(data.train, device)),
      bank_labels_(LabelsOn(data.train, device)),
      test_images_(ImagesOn(data.eval, device)),
      test_labels_(LabelsOn(data.eval, device)),
      vote_{workload.knn_k, workload.knn_t, kClasses} {}

double Evaluation::Run(const Model& model, LapClock& clock, const OnProgress& on_progress) {
  const at::NoGradGuard no_grad;
  clock.Enter(Phase::kBank);
  const at::Tensor bank = MakeBank(model, on_progress);
  // Each phase ends when its work is done, not when it is asked for; one synchronise more a lap.
  device_.Synchronize();
  clock.Enter(Phase::kKnn);
  const int correct = CountCorrect(model, bank, on_progress);
  clock.Enter(Phase::kOther);
  return static_cast<double>(correct) / static_cast<double>(test_images_.size(0));
}

void Evaluation::Record(const Model& model, std::unique_ptr<CudaGraph> graph) {
  const at::NoGradGuard no_grad;
  const int64_t images = std::min(FeatureMaker::kBatch, bank_images_.size(0));
  features_.Record(model, bank_images_.narrow(0, 0, images), std::move(graph));
}

void Evaluation::WarmUp(const Model& model) {
  const at::NoGradGuard no_grad;
  KnnOptions options = vote_;
  options.neighbours = std::min<int>(options.neighbours, FeatureMaker::kBatch);
  at::Tensor features;
  // Each size that will come, the last batches' too: libraries choose their kernels by it.
  for (const at::Tensor& images : {bank_images_, test_images_}) {
    const int64_t last = images.size(0) % FeatureMaker::kBatch;
    for (const int64_t size : {std::min(FeatureMaker::kBatch, images.size(0)), last}) {
      if (size == 0) continue;
      features = features_.OfBatch(model, images.narrow(0, 0, size));
      if (size < options.neighbours) continue;
      KnnPredict(features, features, at::zeros({size}, bank_labels_.options()), options);
    }
  }
  device_.Synchronize();
  if (!device_.torch().is_mps()) return;
  const at::Tensor bank = BankLike(features);
  vote_.sort_on_host = VoteSeconds(features, bank, true) < VoteSeconds(features, bank, false);
}

at::Tensor Evaluation::BankLike(const at::Tensor& features) const {
  const int64_t copies = bank_images_.size(0) / features.size(0) + 1;
  return features.repeat({copies, 1}).narrow(0, 0, bank_images_.size(0));
}

double Evaluation::VoteSeconds(const at::Tensor& features, const at::Tensor& bank,
                               bool sort_on_host) const {
  KnnOptions options = vote_;
  options.sort_on_host = sort_on_host;
  double seconds = 0;
  for (int i = 0; i < 2; ++i) {  // the first one makes kernels
    device_.Synchronize();
    const double start = ProcessSeconds();
    KnnPredict(features, bank, bank_labels_, options);
    device_.Synchronize();
    seconds = ProcessSeconds() - start;
  }
  return seconds;
}

EvaluationSample Evaluation::Sample(const Model& model, double share, LapClock& clock) {
  const at::NoGradGuard no_grad;
  EvaluationSample sample;
  at::Tensor features;
  const auto time = [&](const at::Tensor& images, auto&& work, std::vector<double>& seconds,
                        double& batches) {
    const int64_t size = std::min(FeatureMaker::kBatch, images.size(0));
    batches = static_cast<double>(images.size(0)) / static_cast<double>(size);
    const int wanted = std::max(kMinQuickBatches, static_cast<int>(std::ceil(share * batches)));
    const int64_t places = images.size(0) / size;  // a small set is gone through again
    for (int batch = 0; batch < wanted; ++batch) {
      const double start = clock.Elapsed();
      work(images.narrow(0, batch % places * size, size));
      device_.Synchronize();
      seconds.push_back(clock.Elapsed() - start);
    }
    return wanted * static_cast<int>(size);
  };
  clock.Enter(Phase::kBank);
  sample.bank_images = time(
      bank_images_, [&](const at::Tensor& images) { features = features_.OfBatch(model, images); },
      sample.bank_seconds, sample.bank_batches);
  const at::Tensor bank = BankLike(features);
  clock.Enter(Phase::kKnn);
  sample.test_images = time(
      test_images_,
      [&](const at::Tensor& images) {
        KnnPredict(features_.OfBatch(model, images), bank, bank_labels_, vote_);
      },
      sample.test_seconds, sample.test_batches);
  clock.Enter(Phase::kOther);
  return sample;
}

at::Tensor Evaluation::MakeBank(const Model& model, const OnProgress& on_progress) const {
  const auto all = static_cast<int>(bank_images_.size(0));
  const RankShare share = Share();
  const int begin = share.begin(all);
  const at::Tensor own = features_.OfAll(
      model, bank_images_.narrow(0, begin, share.end(all) - begin),
      [&](int done) { on_progress("bank", std::min(all, done * share.ranks), all); });
  if (ranks_ == nullptr) return own;
  at::Tensor padded = at::zeros({share.Each(all), own.size(1)}, own.options());
  padded.narrow(0, 0, own.size(0)).copy_(own);
  return at::cat(ranks_->Gather(padded)).narrow(0, 0, all);
}

int Evaluation::CountCorrect(const Model& model, const at::Tensor& bank,
                             const OnProgress& on_progress) const {
  const auto all = static_cast<int>(test_images_.size(0));
  const RankShare share = Share();
  const int64_t begin = share.begin(all);
  const int64_t end = share.end(all);
  at::Tensor correct = at::zeros({all}, test_labels_.options());
  for (int64_t start = begin; start < end; start += FeatureMaker::kBatch) {
    const int64_t images = std::min(FeatureMaker::kBatch, end - start);
    const at::Tensor features = features_.OfBatch(model, test_images_.narrow(0, start, images));
    const at::Tensor predicted = KnnPredict(features, bank, bank_labels_, vote_);
    correct.narrow(0, start, images).copy_(predicted.eq(test_labels_.narrow(0, start, images)));
    on_progress("knn", std::min(all, static_cast<int>(start - begin + images) * share.ranks), all);
  }
  const at::Tensor sum = correct.sum();
  if (ranks_ != nullptr) ranks_->Sum(sum);
  return static_cast<int>(sum.item<int64_t>());
}

RankShare Evaluation::Share() const {
  return ranks_ == nullptr ? RankShare{} : RankShare{ranks_->rank(), ranks_->size()};
}

}  // namespace laptime::trainer
