#include "agent/trainer/layout.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/trainer/log.h"
#include "proto/support/durable_file.h"

namespace laptime::trainer {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// An object, empty where the file holds none.
json ReadObject(const fs::path& file) {
  std::ifstream stream(file);
  json document = stream ? json::parse(stream, nullptr, /*allow_exceptions=*/false) : json();
  return document.is_object() ? document : json::object();
}

}  // namespace

std::string NameOf(PixelLayout pixels) {
  return pixels == PixelLayout::kInterleaved ? kChannelsLast : kContiguous;
}

std::optional<PixelLayout> PixelLayoutNamed(const std::string& name) {
  if (name == kChannelsLast) return PixelLayout::kInterleaved;
  if (name == kContiguous) return PixelLayout::kPlanar;
  return std::nullopt;
}

std::string ToText(const Layout& layout) {
  return NameOf(layout.pixels) + ", " + std::to_string(layout.threads) +
         (layout.threads == 1 ? " thread" : " threads");
}

LayoutChoice ChooseLayout(const std::vector<Layout>& candidates,
                          const std::function<double(const Layout&)>& step_seconds) {
  if (candidates.size() == 1) return {candidates.front(), "the only one"};
  LayoutChoice choice{candidates.front(), "measured"};
  double first = 0;
  double best = 0;
  for (const Layout& candidate : candidates) {
    const double seconds = step_seconds(candidate);
    choice.reason += (&candidate == &candidates.front() ? ": " : "; ") + ToText(candidate) + " " +
                     Decimals(seconds, 3) + " s a step";
    if (&candidate == &candidates.front()) {
      first = best = seconds;
    } else if (seconds < best && seconds < first * (1 - kLayoutMargin)) {
      choice.layout = candidate;
      best = seconds;
    }
  }
  return choice;
}

LayoutMemory::LayoutMemory(fs::path file) : file_(std::move(file)) {}

std::optional<fs::path> LayoutMemory::DefaultFile() {
  constexpr char kName[] = "laptime/layouts.json";
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/')
    return fs::path(cache) / kName;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return fs::path(home) / ".cache" / kName;
  return std::nullopt;
}

std::optional<LayoutChoice> LayoutMemory::Find(const std::string& key) const {
  const json all = ReadObject(file_);
  const auto found = all.find(key);
  if (found == all.end() || !found->is_object()) return std::nullopt;
  const json name = found->value("memory_format", json());
  const json threads = found->value("threads", json());
  const json reason = found->value("reason", json());
  if (!name.is_string() || !threads.is_number_integer() || threads.get<int>() < 1 ||
      !reason.is_string())
    return std::nullopt;
  const auto pixels = PixelLayoutNamed(name.get<std::string>());
  if (!pixels) return std::nullopt;
  return LayoutChoice{{*pixels, threads.get<int>()}, reason.get<std::string>()};
}

void LayoutMemory::Keep(const std::string& key, const LayoutChoice& choice) const {
  std::error_code error;
  fs::create_directories(file_.parent_path(), error);
  json all = ReadObject(file_);
  all[key] = {{"memory_format", NameOf(choice.layout.pixels)},
              {"threads", choice.layout.threads},
              {"reason", choice.reason}};
  const fs::path beside = file_.string() + "." + std::to_string(getpid());
  if (!(std::ofstream(beside) << all.dump(1) << "\n"))
    error = std::make_error_code(std::errc::io_error);
  if (!error) error = ReplaceDurably(beside, file_);
  if (error) {
    Log("the choice of layout cannot be kept in " + file_.string() + ": " + error.message());
    fs::remove(beside, error);
  }
}

}  // namespace laptime::trainer
