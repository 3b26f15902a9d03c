#pragma once

#include "agent/trainer/device.h"
#include "agent/trainer/model.h"

namespace laptime::trainer {

// Floating-point operations of a model's work, as FlopCounter counts them.
struct WorkFlops {
  double trained_image = 0;    // all its views, forward and backward: three forward passes each
  double evaluated_image = 0;  // forward, in the bank or in the test; 0 for a classifier
  double vote = 0;             // for one test image, per image of the bank

  double OfLap(int trained_images, int bank_images, int test_images) const;
};

// Counted on one forward pass, which leaves the model as it was.
WorkFlops CountFlops(const Model& model, const Device& device);

}  // namespace laptime::trainer
