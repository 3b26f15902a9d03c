#include "agent/trainer/layout_probe.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agent/trainer/cpu_topology.h"
#include "agent/trainer/step_timer.h"

namespace laptime::trainer {
namespace {

// Of the batch: a whole one would take a slow machine a minute. That the same format wins on all of
// it is assumed.
constexpr int kProbeBatch = 32;
constexpr int kProbeSteps = 3;

std::vector<Layout> Candidates(const TrainConfig& config) {
  std::vector<PixelLayout> layouts = {PixelLayout::kInterleaved, PixelLayout::kPlanar};
  if (config.memory_format) layouts = {*config.memory_format};
  std::vector<Layout> candidates;
  for (const PixelLayout layout : layouts) {
    candidates.push_back({layout, config.threads.value_or(UsableCores())});
    if (!config.threads && UsableThreads() > UsableCores())
      candidates.push_back({layout, UsableThreads()});
  }
  return candidates;
}

// Everything that the answer can depend on.
std::string KeyOf(const TrainConfig& config, const Device& device,
                  const std::vector<Layout>& candidates) {
  std::string key = device.model() + " (" + at::get_cpu_capability() +
                    "), torch " TORCH_VERSION ", laptime " LAPTIME_VERSION ", " +
                    config.workload.model + ", batch " +
                    std::to_string(config.workload.batch_size) + ", " +
                    config.workload.spec.config.at("precision").get<std::string>();
  for (const Layout& candidate : candidates) key += " | " + ToText(candidate);
  return key;
}

}  // namespace

LayoutChoice FindLayout(const TrainConfig& config, const Device& device,
                        const std::optional<Layout>& resumed) {
  const std::vector<Layout> candidates = Candidates(config);
  const auto measure = [&](const Layout& layout) {
    at::set_num_threads(layout.threads);
    Workload part = config.workload;
    part.batch_size = std::min(part.batch_size, kProbeBatch);
    return FastestStep(part, device.With(layout.pixels), kProbeSteps);
  };
  const auto possible = [&](const std::optional<Layout>& layout) {
    return layout && std::count(candidates.begin(), candidates.end(), *layout) > 0;
  };
  if (candidates.size() == 1) return ChooseLayout(candidates, measure);
  if (possible(resumed)) return {*resumed, "of the training that goes on"};
  const std::string key = KeyOf(config, device, candidates);
  const auto file = LayoutMemory::DefaultFile();
  if (file) {
    const auto known = LayoutMemory(*file).Find(key);
    if (known && possible(known->layout))
      return {known->layout, known->reason + " (before: " + file->string() + ")"};
  }
  LayoutChoice choice = ChooseLayout(candidates, measure);
  if (file) LayoutMemory(*file).Keep(key, choice);
  return choice;
}

}  // namespace laptime::trainer
