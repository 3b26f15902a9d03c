#include "server/security/method_access.h"

#include <gtest/gtest.h>

#include "tests/testing/every_method.h"

namespace laptime {
namespace {

// A new RPC without a row turns this red.
TEST(MethodAccessTest, EveryMethodOfEveryServiceHasARow) {
  const auto methods = testing::EveryMethod();
  for (const google::protobuf::MethodDescriptor* method : methods)
    EXPECT_TRUE(HasAccessRow(std::string(method->full_name()))) << method->full_name();
  EXPECT_GE(methods.size(), 30u);
}

TEST(MethodAccessTest, AMethodWithoutARowIsTheAdministratorsAlone) {
  EXPECT_FALSE(HasAccessRow("laptime.v1.ControlService.New"));
  EXPECT_EQ(AccessTo("laptime.v1.ControlService.New"), Access::kAdmin);
}

TEST(MethodAccessTest, ALaterRoleMayWhatAnEarlierOneMay) {
  EXPECT_TRUE(Allows(Access::kViewer, v1::ROLE_VIEWER));
  EXPECT_TRUE(Allows(Access::kViewer, v1::ROLE_USER));
  EXPECT_TRUE(Allows(Access::kViewer, v1::ROLE_ADMIN));
  EXPECT_FALSE(Allows(Access::kUser, v1::ROLE_VIEWER));
  EXPECT_FALSE(Allows(Access::kAdmin, v1::ROLE_USER));
  EXPECT_FALSE(Allows(Access::kViewer, v1::ROLE_UNSPECIFIED));
}

TEST(MethodAccessTest, MachinesDoWhatMachinesDoAndNothingElse) {
  EXPECT_TRUE(Allows(Access::kAgent, v1::ROLE_AGENT));
  EXPECT_FALSE(Allows(Access::kViewer, v1::ROLE_AGENT));
  EXPECT_FALSE(Allows(Access::kAgent, v1::ROLE_ADMIN));
}

}  // namespace
}  // namespace laptime
