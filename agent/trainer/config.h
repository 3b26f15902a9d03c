#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "agent/trainer/loader.h"
#include "proto/support/workload_spec.h"

namespace laptime::trainer {

enum class Precision { kFp32, kFp32Strict, kBf16, kFp16 };

// What is trained, typed; every value comes from the workload's resolved configuration.
struct Workload {
  WorkloadSpec spec;
  std::string model = "resnet18-cifar";
  int batch_size = 128;
  int epochs = 2;
  int steps_per_epoch = 390;
  int train_images = 50000;
  int eval_images = 10000;
  int loader_workers = 8;
  uint64_t seed = 1;
  Precision precision = Precision::kFp32;
  double learning_rate = 0.06;  // at batch 128
  double momentum = 0.9;
  double weight_decay = 5e-4;
  double temperature = 0.5;
  int knn_k = 200;
  double knn_t = 0.1;
  int devices = 1;  // ranks that train together
  bool gather_negatives = false;
  bool cuda_graph = true;  // on an NVIDIA device, where it works
  bool quick = false;      // times a part of one lap and estimates the whole
};

// Where and how this process trains it.
struct TrainConfig {
  Workload workload;
  std::string device = "cpu";
  std::filesystem::path data_dir;     // may be empty
  std::filesystem::path checkpoint;   // may be empty
  std::optional<int> resume_at_most;  // epochs that a checkpoint may have
  std::optional<int> threads;         // what is not given is chosen: see layout_probe.h
  std::optional<PixelLayout> memory_format;
  RankShare share;  // this process's
};

Workload TypedWorkload(const WorkloadSpec& spec);

}  // namespace laptime::trainer
