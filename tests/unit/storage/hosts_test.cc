#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;
using ::testing::HasSubstr;

class HostsTest : public DatabaseTest {};

TEST_F(HostsTest, StoresAHostWithItsDevices) {
  v1::Host host = Seeder::Host();
  host.set_memory_bytes(8e9);
  v1::Device cpu = Seeder::Device("cpu");
  cpu.set_threads(1);
  (*cpu.mutable_labels())["room"] = "b12";
  ASSERT_OK(tx_.UpsertHost(host, {Seeder::Device("mps", v1::DEVICE_KIND_MPS), cpu}, 5000));

  ASSERT_OK_AND_ASSIGN(const v1::Host found, tx_.FindHost("h1"));
  EXPECT_EQ(found.SerializeAsString(), host.SerializeAsString());
  EXPECT_FALSE(found.has_physical_cores());  // not measured, not 0
  ASSERT_OK_AND_ASSIGN(const std::vector<DeviceRow> rows, tx_.Devices());
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0].device.id(), "studio/cpu");
  EXPECT_EQ(rows[0].agent_name, "cpu");
  EXPECT_EQ(rows[0].device.threads(), 1);
  EXPECT_EQ(rows[0].device.labels().at("room"), "b12");
  EXPECT_EQ(rows[0].device.last_seen_unix_ms(), 5000);
  EXPECT_EQ(rows[1].device.kind(), v1::DEVICE_KIND_MPS);
  EXPECT_FALSE(rows[1].device.has_threads());
  EXPECT_TRUE(rows[1].offered);
}

TEST_F(HostsTest, TellsTheDevicesOfOneHost) {
  Seeder::AddHost(tx_);
  v1::Device cpu = Seeder::Device("cpu");
  (*cpu.mutable_labels())["room"] = "b13";
  ASSERT_OK(tx_.UpsertHost(Seeder::Host("h2", "other"), {cpu}, 5000));
  ASSERT_OK_AND_ASSIGN(const std::vector<DeviceRow> rows, tx_.Devices("h2"));
  ASSERT_EQ(rows.size(), 1);
  EXPECT_EQ(rows[0].device.id(), "other/cpu");
  EXPECT_EQ(rows[0].device.labels().at("room"), "b13");
  EXPECT_EQ(tx_.Devices().value().size(), 3);
  EXPECT_EQ(tx_.Devices("h3").value().size(), 0);
}

TEST_F(HostsTest, WhatPeopleGaveADeviceOutlivesAHello) {
  Seeder::AddHost(tx_);
  ASSERT_OK(tx_.RenameDevice(1, "slow"));
  ASSERT_OK(tx_.SetDrained(1, true));
  ASSERT_OK(tx_.SetHealth(1, v1::DEVICE_HEALTH_FAILING));
  ASSERT_OK(tx_.UpsertHost(Seeder::Host(), {Seeder::Device("cpu")}, 6000));
  ASSERT_OK_AND_ASSIGN(const std::vector<DeviceRow> rows, tx_.Devices());
  ASSERT_EQ(rows.size(), 2);
  const DeviceRow& mps = rows[0];
  const DeviceRow& cpu = rows[1];
  EXPECT_FALSE(mps.offered);
  EXPECT_EQ(cpu.key, 1);
  EXPECT_EQ(cpu.agent_name, "cpu");
  EXPECT_EQ(cpu.device.id(), "studio/slow");
  EXPECT_EQ(cpu.device.state(), v1::DEVICE_STATE_DRAINED);
  EXPECT_EQ(cpu.device.health(), v1::DEVICE_HEALTH_FAILING);
}

TEST_F(HostsTest, RefusesTakenNames) {
  Seeder::AddHost(tx_);
  EXPECT_THAT(tx_.UpsertHost(Seeder::Host("h2"), {}, 0),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("'studio'\n")));
  EXPECT_THAT(tx_.RenameDevice(1, "mps"),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("'mps'")));
  EXPECT_OK(tx_.RenameDevice(1, "cpu"));
  EXPECT_OK(tx_.UpsertHost(Seeder::Host("h1", "renamed"), {}, 0));
}

TEST_F(HostsTest, ANewDeviceWhoseNameWasGivenAwayGetsANumber) {
  Seeder::AddHost(tx_);
  ASSERT_OK(tx_.RenameDevice(1, "gpu"));
  ASSERT_OK(tx_.UpsertHost(Seeder::Host(), {Seeder::Device("gpu")}, 0));
  ASSERT_OK_AND_ASSIGN(const std::vector<DeviceRow> rows, tx_.Devices());
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows[1].device.id(), "studio/gpu-2");
  EXPECT_EQ(rows[1].agent_name, "gpu");
}

TEST_F(HostsTest, NamesWhatIsMissing) {
  EXPECT_THAT(tx_.FindHost("h9"), StatusIs(absl::StatusCode::kNotFound, "no host h9"));
  EXPECT_THAT(tx_.SetLastSeen("h9", 0), StatusIs(absl::StatusCode::kNotFound, "no host h9"));
  EXPECT_THAT(tx_.SetDrained(9, true), StatusIs(absl::StatusCode::kNotFound, HasSubstr("9")));
  EXPECT_THAT(tx_.RenameDevice(9, "x"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("9")));
}

TEST_F(HostsTest, SpoolMarksOnlyRise) {
  Seeder::AddHost(tx_);
  const auto advance = [&](const std::string& spool, uint64_t seq) {
    return tx_.AdvanceSpool("h1", spool, seq).value();
  };
  EXPECT_EQ(tx_.SpoolMark("h1", "a").value(), 0);
  EXPECT_TRUE(advance("a", 5));
  EXPECT_FALSE(advance("a", 5));
  EXPECT_FALSE(advance("a", 4));
  EXPECT_TRUE(advance("a", 9));  // a gap
  EXPECT_TRUE(advance("b", 1));  // a new spool begins anew
  EXPECT_EQ(tx_.SpoolMark("h1", "a").value(), 9);
  EXPECT_EQ(tx_.SpoolMark("h1", "b").value(), 1);
  EXPECT_FALSE(tx_.AdvanceSpool("h9", "a", 1).ok());
}

TEST_F(HostsTest, ForgetsDevicesThatWereNeverUsedOnceThereAreTooMany) {
  const auto offer = [this](const std::string& prefix, int count) {
    std::vector<v1::Device> devices;
    for (int i = 0; i < count; ++i) devices.push_back(Seeder::Device(prefix + std::to_string(i)));
    (*devices.back().mutable_labels())["a"] = "b";
    return tx_.UpsertHost(Seeder::Host(), devices, 0);
  };
  const auto known = [this] { return tx_.Devices("h1")->size(); };
  Seeder::AddHost(tx_);
  Seeder::AddJob(tx_, "j1");
  Seeder::AddRun(tx_, "r1", "j1");
  ASSERT_OK(offer("a", kMaxKnownDevices - 2));
  EXPECT_EQ(known(), static_cast<size_t>(kMaxKnownDevices));
  ASSERT_OK(offer("b", 1));
  EXPECT_EQ(known(), 2u);  // the new one, and the one with a run
  EXPECT_THAT(offer("c", kMaxKnownDevices + 1),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("studio has had")));
}

}  // namespace
}  // namespace laptime::storage
