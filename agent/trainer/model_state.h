#pragma once

#include "agent/trainer/model.h"
#include "agent/trainer/tensor_file.h"

namespace laptime::trainer {

// Replaces the model's whole state by the tensors of the file's dict `state`, which have the
// reference's names, and returns their type, float32 or float64, which becomes the model's. On the
// CPU, before Model::MoveTo. Throws TrainerError (setup) when one is missing, has another shape or
// type, or is not the model's; the batch counters of PyTorch's batch norm are passed over.
at::ScalarType LoadState(const TensorFile& file, Model& model);

// The whole state by name, on the CPU, contiguous.
NamedTensors StateOf(Model& model);

}  // namespace laptime::trainer
