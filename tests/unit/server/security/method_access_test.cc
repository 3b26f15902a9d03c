#include "server/security/method_access.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "laptime/v1/access.pb.h"
#include "laptime/v1/agent.pb.h"
#include "laptime/v1/control.pb.h"

namespace laptime {
namespace {

// A new RPC without a row turns this red.
TEST(MethodAccessTest, EveryMethodOfEveryServiceHasARow) {
  int methods = 0;
  for (const google::protobuf::FileDescriptor* file :
       {v1::Token::descriptor()->file(), v1::Hello::descriptor()->file(),
        v1::Job::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j, ++methods) {
        const std::string name(file->service(i)->method(j)->full_name());
        EXPECT_TRUE(HasAccessRow(name)) << name;
      }
    }
  }
  EXPECT_GE(methods, 30);
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
