#include "agent/trainer/probe/peak_rates.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <string>

namespace laptime::trainer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kLongEnough = 0.1;  // seconds of one operation: its start is no part of it
constexpr int kRepetitions = 3;
constexpr int kFirstSize = 256;
constexpr int kLastSize = 8192;
constexpr int kFirstBatch = 1;
constexpr int kLastBatch = 1024;
constexpr int kConvolutionChannels = 64;
constexpr int kConvolutionSide = 32;
constexpr int kKernel = 3;
constexpr int64_t kCopyBytes = 256 << 20;

struct Type {
  at::ScalarType torch;
  const char* name;
};
constexpr Type kTypes[] = {
    {at::kFloat, "float32"}, {at::kBFloat16, "bfloat16"}, {at::kHalf, "float16"}};

double Seconds(const Device& device, const std::function<void()>& work) {
  device.Synchronize();
  const auto start = Clock::now();
  work();
  device.Synchronize();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double Fastest(const Device& device, const std::function<void()>& work) {
  double fastest = Seconds(device, work);
  for (int i = 1; i < kRepetitions && fastest < 1; ++i)
    fastest = std::min(fastest, Seconds(device, work));
  return fastest;
}

// The best rate over sizes from `first` on, each twice the one before; `work` makes what is timed,
// and how much it does, of a size.
struct Work {
  std::function<void()> run;
  double amount = 0;
};
double BestRate(const Device& device, int first, int last,
                const std::function<Work(int size)>& work) {
  double best = 0;
  for (int size = first; size <= last; size *= 2) {
    const Work sized = work(size);
    sized.run();  // chooses kernels
    const double seconds = Fastest(device, sized.run);
    best = std::max(best, sized.amount / seconds);
    if (seconds >= kLongEnough) break;
  }
  return best;
}

double MatmulRate(const Device& device, const at::TensorOptions& options) {
  return BestRate(device, kFirstSize, kLastSize, [&](int size) -> Work {
    const at::Tensor a = at::randn({size, size}, options.dtype(at::kFloat)).to(options.dtype());
    const double n = size;
    return {[a] { at::mm(a, a); }, 2 * n * n * n};
  });
}

double ConvolutionRate(const Device& device, const at::TensorOptions& options) {
  const auto random = [&](at::IntArrayRef shape) {
    return at::randn(shape, options.dtype(at::kFloat))
        .to(options.dtype())
        .contiguous(device.memory_format());
  };
  const at::Tensor weight = random({kConvolutionChannels, kConvolutionChannels, kKernel, kKernel});
  return BestRate(device, kFirstBatch, kLastBatch, [&](int size) -> Work {
    const at::Tensor images =
        random({size, kConvolutionChannels, kConvolutionSide, kConvolutionSide});
    const auto convolve = [images, weight] {
      at::conv2d(images, weight, {}, /*stride=*/1, /*padding=*/kKernel / 2);
    };
    return {convolve, 2.0 * size * kConvolutionSide * kConvolutionSide * kConvolutionChannels *
                          kConvolutionChannels * kKernel * kKernel};
  });
}

double CopyRate(const Device& device) {
  const auto options = at::TensorOptions(device.torch()).dtype(at::kByte);
  const at::Tensor from = at::empty({kCopyBytes}, options).fill_(1);
  const at::Tensor to = at::empty({kCopyBytes}, options).fill_(2);
  return 2.0 * kCopyBytes / Fastest(device, [&] { to.copy_(from); });
}

PeakRate Try(PeakRate rate, const std::function<double()>& measure) {
  try {
    rate.per_second = measure();
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    rate.reason = text.substr(0, text.find('\n'));
  }
  return rate;
}

}  // namespace

void MeasurePeakRates(const Device& device, const std::function<void(const PeakRate&)>& on_rate) {
  const at::NoGradGuard no_grad;
  for (const Type& type : kTypes) {
    const auto options = at::TensorOptions(device.torch()).dtype(type.torch);
    on_rate(
        Try({"matmul", type.name, "FLOP/s", {}, ""}, [&] { return MatmulRate(device, options); }));
    on_rate(Try({"convolution", type.name, "FLOP/s", {}, ""},
                [&] { return ConvolutionRate(device, options); }));
  }
  on_rate(Try({"copy", "uint8", "B/s", {}, ""}, [&] { return CopyRate(device); }));
}

}  // namespace laptime::trainer
