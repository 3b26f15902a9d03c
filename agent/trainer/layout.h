#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/trainer/loader.h"

namespace laptime::trainer {

// How a CPU trains: how images lie in its memory, and in how many threads. Which is fastest depends
// on the processor and on the libraries' versions, so it is measured.
struct Layout {
  PixelLayout pixels = PixelLayout::kInterleaved;
  int threads = 1;

  bool operator==(const Layout&) const = default;
};

// PyTorch's names of them.
inline constexpr char kChannelsLast[] = "channels_last";
inline constexpr char kContiguous[] = "contiguous";
std::string NameOf(PixelLayout pixels);
std::optional<PixelLayout> PixelLayoutNamed(const std::string& name);

// "channels_last, 2 threads".
std::string ToText(const Layout& layout);

struct LayoutChoice {
  Layout layout;
  std::string reason;  // for people: what was measured, or why nothing had to be
};

// Another candidate must be faster than the first by this share: less is noise.
inline constexpr double kLayoutMargin = 0.03;

// The fastest candidate; `step_seconds` is asked once for each, in their order. `candidates` has
// one at least; with only one nothing is measured.
LayoutChoice ChooseLayout(const std::vector<Layout>& candidates,
                          const std::function<double(const Layout&)>& step_seconds);

// What was chosen before, by a key that names all that the choice depends on: a small JSON file.
// That it is missing, damaged or not writable is no error, and means to measure again.
class LayoutMemory {
 public:
  explicit LayoutMemory(std::filesystem::path file);

  // $XDG_CACHE_HOME/laptime/layouts.json, or below ~/.cache; nothing where neither is known.
  static std::optional<std::filesystem::path> DefaultFile();

  std::optional<LayoutChoice> Find(const std::string& key) const;
  void Keep(const std::string& key, const LayoutChoice& choice) const;

 private:
  std::filesystem::path file_;
};

}  // namespace laptime::trainer
