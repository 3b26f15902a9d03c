#pragma once

#include <cstdint>

#include "agent/trainer/dataset.h"

namespace laptime::trainer {

// Generates "synthetic-cifar10": the first `train_images` and `eval_images` of an endless set with
// the shape of CIFAR-10. Ten classes, each a figure (disc, square, ring, cross, diamond) on a
// ground (stripes or checks), in any colours, sizes and places, with noise: learnable, but not by
// the tint alone that each tends to. The set is always the same; each image depends on its number
// only, so a limit does not change the images before it.
Dataset GenerateSyntheticCifar10(int train_images, int eval_images);

}  // namespace laptime::trainer
