#pragma once

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "agent/trainer/dataset.h"

namespace laptime::trainer {

// How a view's bytes lie in memory: R, G, B planes (NCHW) or RGBRGB… (channels-last).
enum class PixelLayout { kPlanar, kInterleaved };

// The views per image.
inline constexpr int kViews = 2;

// Memory for one batch, or the share of it: images × kImageBytes bytes for each of the two views,
// owned by the caller.
struct BatchBuffers {
  std::array<uint8_t*, kViews> views{};
};

// One batch, ready: the buffers it lies in and the CPU seconds that making it took.
struct Batch {
  int slot = 0;
  double augment_seconds = 0;
};

// The part of each batch that one of several ranks trains on: `rank` counts from 0.
struct RankShare {
  int rank = 0;
  int ranks = 1;

  // Of `all` things, shared out evenly; the last ranks may have fewer, even none.
  int begin(int all) const { return std::min(all, rank * Each(all)); }
  int end(int all) const { return std::min(all, (rank + 1) * Each(all)); }
  int Each(int all) const { return (all + ranks - 1) / ranks; }
};

struct LoaderOptions {
  int batch_size = 128;  // of all ranks together
  int workers = 8;       // 0: batches are made by the thread that asks for them
  uint64_t seed = 1;
  PixelLayout layout = PixelLayout::kPlanar;
  RankShare share = {};  // what is made here
};

// Makes the two augmented views of each batch of an epoch, ahead of their use, in worker threads.
// What a batch holds depends on seed, epoch and batch number alone, never on the number of workers
// or their timing.
//
// StartEpoch, Next and Release belong to one thread. Batches come in order and are given back in
// order; each occupies one of the buffer slots from when it is begun until it is released, which
// bounds the work ahead. `images` and the buffers must outlive the loader.
class BatchLoader {
 public:
  BatchLoader(const ImageSet& images, LoaderOptions options, std::vector<BatchBuffers> slots);
  ~BatchLoader();

  // How many slots let every worker be busy while one batch is in use and one waits.
  static int SlotsFor(int workers) { return workers + 2; }

  // Begins an epoch of `steps` batches; incomplete batches are left out. All batches of the epoch
  // before must have been taken and released.
  void StartEpoch(int epoch, int steps);

  // Blocks until the next batch of the epoch is ready. Call it at most `steps` times an epoch.
  Batch Next();

  // Gives the oldest batch that is out back; its buffers may be overwritten at once.
  void Release();

 private:
  void Work(const std::stop_token& stop);
  double Fill(int batch, const BatchBuffers& buffers) const;

  // Constant after construction.
  const ImageSet& images_;
  const LoaderOptions options_;
  const std::vector<BatchBuffers> slots_;

  // Written by StartEpoch while no worker has a batch to make.
  int epoch_ = 0;
  std::vector<int32_t> order_;

  std::mutex mu_;  // guards what follows
  std::condition_variable_any changed_;
  int steps_ = 0;                // batches of this epoch
  int begun_ = 0;                // handed to a worker
  int taken_ = 0;                // returned by Next
  int released_ = 0;             // their slots are free again
  std::vector<double> seconds_;  // per slot: CPU seconds of the batch in it
  std::vector<bool> ready_;      // per slot

  std::vector<std::jthread> workers_;
};

}  // namespace laptime::trainer
