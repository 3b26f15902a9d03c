#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;

class ProbesTest : public DatabaseTest {
 protected:
  ProbesTest() { Seeder::AddHost(tx_); }

  static v1::DeviceProbe Probe(int64_t at_unix_ms, double seconds, const std::string& snapshot) {
    v1::DeviceProbe probe;
    probe.set_device("cpu");
    probe.set_snapshot_json(snapshot);
    probe.set_probed_unix_ms(at_unix_ms);
    probe.mutable_result()->set_threads(2);
    v1::Capability& cell = *probe.mutable_result()->add_capabilities();
    cell.set_precision("bf16");
    cell.set_feature("training");
    cell.set_state(v1::CAPABILITY_STATE_SLOWER);
    cell.set_seconds(seconds);
    v1::PeakRate& rate = *probe.mutable_result()->add_rates();
    rate.set_operation("matmul");
    rate.set_reason("not implemented");
    return probe;
  }
};

TEST_F(ProbesTest, KeepsTheNewestOfEachSnapshot) {
  EXPECT_EQ(*tx_.PutProbe("h1", Probe(1000, 1, "{}")), true);
  EXPECT_EQ(*tx_.PutProbe("h1", Probe(1000, 9, "{}")), false);  // sent again
  EXPECT_EQ(*tx_.PutProbe("h1", Probe(2000, 2, "{}")), true);
  EXPECT_EQ(*tx_.PutProbe("h1", Probe(1500, 3, R"({"driver":"old"})")), true);
  ASSERT_OK_AND_ASSIGN(const auto found, tx_.Capabilities(1));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->probed_unix_ms(), 2000);
  EXPECT_EQ(found->result().threads(), 2);
  ASSERT_EQ(found->result().capabilities_size(), 1);
  const v1::Capability& cell = found->result().capabilities(0);
  EXPECT_EQ(cell.precision(), "bf16");
  EXPECT_EQ(cell.state(), v1::CAPABILITY_STATE_SLOWER);
  EXPECT_EQ(cell.seconds(), 2);
  EXPECT_FALSE(cell.has_compared_seconds());  // not measured, not 0
  EXPECT_EQ(found->result().rates(0).reason(), "not implemented");
  EXPECT_FALSE(found->result().rates(0).has_per_second());
}

TEST_F(ProbesTest, TakesTheProbeOfAHostWhoseClockWasSetBack) {
  EXPECT_EQ(*tx_.PutProbe("h1", Probe(2000, 1, "{}")), true);
  EXPECT_EQ(*tx_.PutProbe("h1", Probe(1000, 2, "{}")), true);
  ASSERT_OK_AND_ASSIGN(const auto found, tx_.Capabilities(1));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->probed_unix_ms(), 1000);
  ASSERT_EQ(found->result().capabilities_size(), 1);
  EXPECT_EQ(found->result().capabilities(0).seconds(), 2);
}

TEST_F(ProbesTest, IsOfADeviceOfTheHost) {
  v1::DeviceProbe probe = Probe(1000, 1, "{}");
  probe.set_device("cuda:7");
  EXPECT_THAT(tx_.PutProbe("h1", probe),
              StatusIs(absl::StatusCode::kNotFound, ::testing::HasSubstr("cuda:7")));
  ASSERT_OK_AND_ASSIGN(const auto found, tx_.Capabilities(1));
  EXPECT_FALSE(found.has_value());
}

}  // namespace
}  // namespace laptime::storage
