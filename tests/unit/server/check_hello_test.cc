#include "server/check_hello.h"

#include <functional>
#include <string>

#include "tests/testing/agent_hello.h"
#include "tests/testing/status_matchers.h"

namespace laptime {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

v1::Hello Usual() { return testing::HelloOf("id-box", "box").hello(); }

void ExpectTooMuch(const std::string& why, const std::function<void(v1::Hello&)>& change) {
  v1::Hello hello = Usual();
  change(hello);
  EXPECT_THAT(CheckHello(hello), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why)));
}

TEST(CheckHelloTest, TakesTheUsual) { EXPECT_OK(CheckHello(Usual())); }

TEST(CheckHelloTest, TakesAsMuchAsMayBe) {
  v1::Hello hello = Usual();
  const std::string longest(kMaxHelloText, 'x');
  hello.mutable_host()->set_cpu_model(longest);
  while (hello.devices_size() < kMaxDevicesOffered) {
    v1::Device& device = *hello.add_devices();
    device.set_name(longest);
    device.set_model(longest);
    for (int i = 0; i < kMaxDeviceLabels; ++i)
      (*device.mutable_labels())["label " + std::to_string(i)] = longest;
  }
  while (hello.attempts_size() < kMaxHeldAttempts) hello.add_attempts();
  EXPECT_OK(CheckHello(hello));
}

TEST(CheckHelloTest, RefusesWhoSaysTooMuch) {
  const std::string long_text(kMaxHelloText + 1, 'x');
  for (const auto set :
       {&v1::Host::set_id<const std::string&>, &v1::Host::set_os<const std::string&>,
        &v1::Host::set_cpu_model<const std::string&>}) {
    ExpectTooMuch("a text of the host",
                  [&](v1::Hello& hello) { (hello.mutable_host()->*set)(long_text); });
  }
  ExpectTooMuch("a text of the host", [&](v1::Hello& hello) { hello.set_spool_id(long_text); });
  ExpectTooMuch("257 devices", [](v1::Hello& hello) {
    while (hello.devices_size() <= kMaxDevicesOffered) hello.add_devices()->set_name("cpu");
  });
  ExpectTooMuch("'cpu2' has long texts", [&](v1::Hello& hello) {
    v1::Device& device = *hello.add_devices();
    device.set_name("cpu2");
    device.set_model(long_text);
  });
  ExpectTooMuch("has long texts", [&](v1::Hello& hello) {
    (*hello.add_devices()->mutable_labels())[long_text] = "";
  });
  ExpectTooMuch("has long texts", [](v1::Hello& hello) {
    v1::Device& device = *hello.add_devices();
    for (int i = 0; i <= kMaxDeviceLabels; ++i) (*device.mutable_labels())[std::to_string(i)] = "";
  });
  ExpectTooMuch("10001 attempts", [](v1::Hello& hello) {
    while (hello.attempts_size() <= kMaxHeldAttempts) hello.add_attempts();
  });
}

}  // namespace
}  // namespace laptime
