#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "laptime/v1/common.pb.h"

namespace laptime {

// What a person writes to choose devices: "studio/mps", "kind=cuda", "host=lab-*",
// "label.room=b12", "all". Values may hold * and ?. A value; Matches is pure.
class Selector {
 public:
  // kInvalidArgument with a hint for an unknown key or kind.
  static absl::StatusOr<Selector> Parse(const std::string& text);

  bool Matches(const v1::Device& device) const;

  // One device by its full name, without wildcards: it may be chosen although it is away or
  // drained.
  bool exact() const { return exact_; }
  const std::string& text() const { return text_; }

 private:
  Selector() = default;

  std::string text_;
  std::string key_;    // "id", "kind", "host", "label", "all"
  std::string label_;  // the label's name, for "label"
  std::string pattern_;
  bool exact_ = false;
};

// Of one request: more than any fleet has devices.
inline constexpr size_t kMaxSelectors = 1000;

// kInvalidArgument also when there are too many.
absl::StatusOr<std::vector<Selector>> ParseSelectors(const std::vector<std::string>& texts);

// What hosts and devices may be called: nothing that selectors, paths or terminals read.
bool IsPlainName(const std::string& name);

// "cpu", "cuda", "mps"
std::string KindName(v1::DeviceKind kind);

}  // namespace laptime
