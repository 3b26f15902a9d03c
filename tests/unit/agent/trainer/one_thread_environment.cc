#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace laptime::trainer {
namespace {

// The tests' tensors are tiny: waking a thread per core costs more than they do.
class OneThreadEnvironment : public ::testing::Environment {
 public:
  void SetUp() override { at::set_num_threads(1); }
};

const ::testing::Environment* const kOneThread =
    ::testing::AddGlobalTestEnvironment(new OneThreadEnvironment);

}  // namespace
}  // namespace laptime::trainer
