#include "agent/trainer/knn.h"

#include <string>
#include <vector>

#include "agent/trainer/dataset.h"
#include "agent/trainer/feature_maker.h"
#include "agent/trainer/networks/resnet18_cifar.h"
#include "agent/trainer/parity/answer.h"
#include "agent/trainer/parity/reference_workload.h"
#include "agent/trainer/tensor_data.h"
#include "agent/trainer/tensor_file.h"

namespace laptime::trainer {
namespace {

void CheckBank(const TensorFile& file, const at::Tensor& bank, const at::Tensor& labels,
               const KnnOptions& options) {
  if (bank.size(0) < options.neighbours)
    file.Refuse("bank must have at least " + std::to_string(options.neighbours) + " rows");
  if (labels.lt(0).logical_or(labels.ge(options.classes)).any().item<bool>())
    file.Refuse("bank_labels must be 0 … " + std::to_string(options.classes - 1));
}

}  // namespace

void Answer(const VoteOptions& options, EventWriter& lines) {
  const TensorFile file = TensorFile::Read(options.file);
  const Workload workload = ReferenceWorkload();
  const KnnOptions knn{workload.knn_k, workload.knn_t, kClasses};
  const at::ScalarType type = file.FloatTypeOf("bank");
  const at::Tensor bank = file.Get("bank", type, {kAnySize, ResNet18Cifar::kFeatures});
  const at::Tensor labels = file.Get("bank_labels", at::kLong, {bank.size(0)});
  const at::Tensor features = file.Get("features", type, {kAnySize, ResNet18Cifar::kFeatures});
  CheckBank(file, bank, labels, knn);

  std::vector<int64_t> predictions;
  for (const at::Tensor& batch : features.split(FeatureMaker::kBatch)) {
    const at::Tensor predicted = KnnPredict(batch, bank, labels, knn);
    const auto* first = DataOf<int64_t>(predicted);
    predictions.insert(predictions.end(), first, first + predicted.numel());
  }
  lines.WriteLine({{"predictions", predictions}});
}

}  // namespace laptime::trainer
