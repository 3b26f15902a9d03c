#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "agent/trainer/device.h"
#include "agent/trainer/probe/probe_result.h"

namespace laptime::trainer {

// Rates that a device reaches in the operations of a training, in as many threads as are set: the
// best over sizes that grow until one operation takes a tenth of a second or memory would be large,
// and over repetitions. float32 is LibTorch's default (TF32 where that allows it). Each rate takes
// about a second, a slow type longer; `on_rate` is told each as it comes.
//
// matmul: n×n by n×n, 2n³ operations. convolution: ResNet's 3×3 of 64 channels on 32×32 pixels,
// 2·9·64² operations a pixel. copy: a tensor far larger than any cache, read and written.
void MeasurePeakRates(const Device& device, const std::function<void(const PeakRate&)>& on_rate);

}  // namespace laptime::trainer
