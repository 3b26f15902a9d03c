#include "agent/trainer/config.h"

namespace laptime::trainer {
namespace {

Precision PrecisionFromName(const std::string& name) {
  if (name == "bf16") return Precision::kBf16;
  if (name == "fp16") return Precision::kFp16;
  if (name == "fp32-strict") return Precision::kFp32Strict;
  return Precision::kFp32;
}

}  // namespace

Workload TypedWorkload(const WorkloadSpec& spec) {
  const nlohmann::json& config = spec.config;
  Workload workload;
  workload.spec = spec;
  workload.model = config.at("model");
  workload.batch_size = config.at("batch_size");
  workload.epochs = config.at("epochs");
  workload.steps_per_epoch = spec.steps_per_epoch();
  workload.train_images = spec.train_images();
  workload.eval_images = spec.eval_images();
  workload.loader_workers = config.at("loader_workers");
  workload.seed = config.at("seed");
  workload.precision = PrecisionFromName(config.at("precision"));
  workload.learning_rate = config.at("learning_rate");
  workload.momentum = config.at("momentum");
  workload.weight_decay = config.at("weight_decay");
  workload.temperature = config.at("temperature");
  workload.knn_k = config.at("knn_k");
  workload.knn_t = config.at("knn_t");
  workload.devices = config.at("devices_per_run");
  workload.gather_negatives = config.at("gather_negatives");
  workload.cuda_graph = config.at("cuda_graph");
  workload.quick = config.at("quick");
  return workload;
}

}  // namespace laptime::trainer
