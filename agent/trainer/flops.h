#pragma once

namespace laptime::trainer {

// Floating-point operations (a multiply-add counts two) of ResNet-18 with a 3x3 stem on one 32x32
// image, and of the head on its features: convolutions and matrix products alone, as is usual.
double BackboneFlops();
double HeadFlops();

// Of one lap: each training image has two views, and a training pass costs three forward passes;
// evaluation is one forward pass an image and the product of test and bank features.
double LapFlops(int trained_images, int bank_images, int test_images);

}  // namespace laptime::trainer
