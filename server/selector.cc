#include "server/selector.h"

#include <fnmatch.h>

#include <algorithm>
#include <string_view>

#include "proto/support/nearest.h"
#include "proto/support/status.h"

namespace laptime {
namespace {

constexpr char kForms[] =
    "a selector is HOST/DEVICE, kind=cpu|cuda|mps, host=NAME, label.KEY=VALUE or all";

bool Like(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

absl::Status RefuseSelector(const std::string& text, const std::string& hint) {
  return WithHint(absl::StatusCode::kInvalidArgument, "selector '" + text + "' is not understood",
                  hint.empty() ? kForms : hint + "; " + kForms);
}

}  // namespace

std::string KindName(v1::DeviceKind kind) {
  switch (kind) {
    case v1::DEVICE_KIND_CPU:
      return "cpu";
    case v1::DEVICE_KIND_CUDA:
      return "cuda";
    case v1::DEVICE_KIND_MPS:
      return "mps";
    default:
      return "unknown";
  }
}

bool IsPlainName(const std::string& name) {
  constexpr unsigned char kDelete = 0x7f;
  if (name.empty() || name == "." || name == "..") return false;
  return std::ranges::all_of(name, [](unsigned char c) {
    return c > ' ' && c != kDelete && std::string_view("/\\=*?[").find(c) == std::string_view::npos;
  });
}

absl::StatusOr<Selector> Selector::Parse(const std::string& text) {
  Selector selector;
  selector.text_ = text;
  if (text == "all") {
    selector.key_ = "all";
    return selector;
  }
  const size_t equals = text.find('=');
  if (equals == std::string::npos) {
    if (text.find('/') == std::string::npos) return RefuseSelector(text, "");
    selector.key_ = "id";
    selector.pattern_ = text;
    selector.exact_ = text.find_first_of("*?[") == std::string::npos;
    return selector;
  }
  selector.key_ = text.substr(0, equals);
  selector.pattern_ = text.substr(equals + 1);
  if (selector.key_.rfind("label.", 0) == 0) {
    selector.label_ = selector.key_.substr(6);
    selector.key_ = "label";
    if (selector.label_.empty()) return RefuseSelector(text, "");
    return selector;
  }
  if (selector.key_ != "kind" && selector.key_ != "host") {
    auto nearest = Nearest(selector.key_, {"kind", "host", "label."});
    return RefuseSelector(text, nearest ? "did you mean '" + *nearest + "'?" : "");
  }
  if (selector.key_ == "kind" && selector.pattern_.find_first_of("*?[") == std::string::npos) {
    const std::vector<std::string> kinds = {"cpu", "cuda", "mps"};
    if (std::ranges::find(kinds, selector.pattern_) == kinds.end()) {
      auto nearest = Nearest(selector.pattern_, kinds);
      return RefuseSelector(text, nearest ? "did you mean 'kind=" + *nearest + "'?" : "");
    }
  }
  return selector;
}

bool Selector::Matches(const v1::Device& device) const {
  if (key_ == "all") return true;
  if (exact_) return pattern_ == device.id();  // no escape of a pattern either
  if (key_ == "id") return Like(pattern_, device.id());
  if (key_ == "kind") return Like(pattern_, KindName(device.kind()));
  if (key_ == "host") return Like(pattern_, device.host());
  auto label = device.labels().find(label_);
  return label != device.labels().end() && Like(pattern_, label->second);
}

absl::StatusOr<std::vector<Selector>> ParseSelectors(const std::vector<std::string>& texts) {
  if (texts.size() > kMaxSelectors) {
    return WithHint(absl::StatusCode::kInvalidArgument,
                    std::to_string(texts.size()) + " selectors are too many; at most " +
                        std::to_string(kMaxSelectors),
                    "a pattern chooses many devices: host=lab-*");
  }
  std::vector<Selector> selectors;
  for (const std::string& text : texts) {
    absl::StatusOr<Selector> selector = Selector::Parse(text);
    if (!selector.ok()) return selector.status();
    selectors.push_back(*std::move(selector));
  }
  return selectors;
}

}  // namespace laptime
