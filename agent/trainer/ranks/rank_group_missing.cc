// Instead of rank_group.cc where Gloo's headers are missing: macOS has no package of them.
#include <ATen/core/Tensor.h>

#include <stdexcept>

#include "agent/trainer/ranks/rank_group.h"

namespace laptime::trainer {

std::optional<std::string> RankGroup::Missing() {
  return "this program was built without Gloo's headers";
}

struct RankGroup::Backend {};

RankGroup::RankGroup(const std::filesystem::path& /*meeting*/, int rank, int size,
                     const Device& /*device*/)
    : rank_(rank), size_(size) {
  throw std::logic_error(*Missing());
}

RankGroup::~RankGroup() = default;

// Nobody has an object to call these of.
std::string RankGroup::transport() const { return ""; }
std::unique_ptr<RankGroup::Pending> RankGroup::BeginSum(const at::Tensor&) { return nullptr; }
void RankGroup::Sum(const at::Tensor&) {}
std::vector<at::Tensor> RankGroup::Gather(const at::Tensor&) { return {}; }
void RankGroup::CopyFromFirst(const std::vector<at::Tensor>&) {}
at::Tensor GatherRows(RankGroup&, const at::Tensor& rows) { return rows; }

}  // namespace laptime::trainer
