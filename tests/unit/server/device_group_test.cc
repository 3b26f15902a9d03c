#include "server/device_group.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace laptime {
namespace {

using storage::DeviceRow;
using ::testing::ElementsAre;

DeviceRow Device(int64_t key, const std::string& address, const std::string& host = "box") {
  DeviceRow row;
  row.key = key;
  row.host_id = "id-" + host;
  row.offered = true;
  row.device.set_id(host + "/" + address);
  row.device.set_host(host);
  row.device.set_address(address);
  row.device.set_kind(address.starts_with("cuda")  ? v1::DEVICE_KIND_CUDA
                      : address.starts_with("mps") ? v1::DEVICE_KIND_MPS
                                                   : v1::DEVICE_KIND_CPU);
  return row;
}

// As the database lists them: by name. The key of "cuda:N" is 100 + N.
std::vector<DeviceRow> Gpus(int count) {
  std::vector<DeviceRow> devices;
  for (int i = 0; i < count; ++i) devices.push_back(Device(100 + i, "cuda:" + std::to_string(i)));
  std::ranges::sort(devices, {}, [](const DeviceRow& row) { return row.device.id(); });
  return devices;
}

DeviceRow& Find(std::vector<DeviceRow>& devices, int64_t key) {
  return *std::ranges::find(devices, key, &DeviceRow::key);
}

bool Offered(const DeviceRow& row) { return row.offered; }
bool NotDrained(const DeviceRow& row) { return !row.drained; }

TEST(DeviceGroupTest, ReadsTheNumberFromAConfiguration) {
  EXPECT_EQ(DevicesPerRun(R"({"devices_per_run":2,"seed":1})"), 2);
  EXPECT_EQ(DevicesPerRun(R"({"seed":1})"), 1);  // of a job older than the key
  EXPECT_EQ(DevicesPerRun("damaged"), 1);
  EXPECT_EQ(MaxDevicesPerRun(), 16);
}

TEST(DeviceGroupTest, GoesByTheNumberOfTheAddress) {
  std::vector<DeviceRow> gpus = Gpus(12);
  EXPECT_THAT(GroupFrom(Find(gpus, 101), 3, gpus), ElementsAre(101, 102, 103));
  EXPECT_THAT(GroupFrom(Find(gpus, 109), 2, gpus), ElementsAre(109, 110));
  EXPECT_THAT(GroupFrom(Find(gpus, 110), 3, gpus), ElementsAre(110, 111));
  EXPECT_EQ(LargestRun(Find(gpus, 102), gpus, Offered), 10);
}

TEST(DeviceGroupTest, KeepsToOneKindOfOneHost) {
  const std::vector<DeviceRow> devices = {Device(1, "cpu"), Device(2, "cuda:0"),
                                          Device(3, "cuda:1"), Device(4, "mps"),
                                          Device(5, "cuda:2", "other")};
  EXPECT_THAT(GroupFrom(devices[1], 3, devices), ElementsAre(2, 3));
  EXPECT_THAT(GroupFrom(devices[3], 2, devices), ElementsAre(4));
  EXPECT_EQ(LargestRun(devices[1], devices, Offered), 2);
  EXPECT_EQ(LargestRun(devices[3], devices, Offered), 1);
}

// The trainer takes the numbers one after the other.
TEST(DeviceGroupTest, AGapEndsAGroup) {
  std::vector<DeviceRow> gpus = Gpus(4);
  Find(gpus, 101).offered = false;
  EXPECT_EQ(LargestRun(Find(gpus, 100), gpus, Offered), 1);
  EXPECT_EQ(LargestRun(Find(gpus, 102), gpus, Offered), 2);
}

TEST(DeviceGroupTest, AllNamesOfAnAddressBelongToIt) {
  std::vector<DeviceRow> gpus = Gpus(2);
  gpus.push_back(Device(200, "cuda:0"));
  gpus.push_back(Device(201, "cuda:1"));
  EXPECT_THAT(GroupFrom(Find(gpus, 200), 1, gpus), ElementsAre(200, 100));
  EXPECT_THAT(GroupFrom(Find(gpus, 100), 2, gpus), ElementsAre(100, 101, 200, 201));
  EXPECT_EQ(LargestRun(Find(gpus, 100), gpus, Offered), 2);
  Find(gpus, 101).offered = false;
  EXPECT_EQ(LargestRun(Find(gpus, 100), gpus, Offered), 2);
  std::set<int64_t> reserved;
  EXPECT_THAT(FirstsOfGroups(gpus, 1, gpus, Offered, reserved), ElementsAre(100, 200, 201));
}

TEST(DeviceGroupTest, ACpuIsAloneAndTakesAnyNumber) {
  std::vector<DeviceRow> devices = {Device(1, "cpu"), Device(2, "cpu")};
  EXPECT_THAT(GroupFrom(devices[0], 4, devices), ElementsAre(1));
  EXPECT_EQ(LargestRun(devices[0], devices, Offered), MaxDevicesPerRun());
  devices[0].offered = false;
  EXPECT_EQ(LargestRun(devices[0], devices, Offered), 0);
}

TEST(DeviceGroupTest, ARunEndsBeforeTheFirstThatIsNotUsable) {
  std::vector<DeviceRow> gpus = Gpus(4);
  Find(gpus, 102).drained = true;
  EXPECT_EQ(LargestRun(Find(gpus, 100), gpus, NotDrained), 2);
  EXPECT_EQ(LargestRun(Find(gpus, 102), gpus, NotDrained), 0);
  EXPECT_EQ(LargestRun(Find(gpus, 103), gpus, NotDrained), 1);
  EXPECT_EQ(LargestRun(Gpus(20)[0], Gpus(20), Offered), MaxDevicesPerRun());
}

TEST(DeviceGroupTest, GroupsLieSideBySide) {
  const std::vector<DeviceRow> gpus = Gpus(13);
  std::set<int64_t> reserved;
  EXPECT_THAT(FirstsOfGroups(gpus, 3, gpus, Offered, reserved), ElementsAre(100, 103, 106, 109));
  EXPECT_EQ(reserved.size(), 12u);
  EXPECT_TRUE(FirstsOfGroups(gpus, 3, gpus, Offered, reserved).empty());
}

TEST(DeviceGroupTest, GroupsGoRoundWhatIsNotUsable) {
  std::vector<DeviceRow> gpus = Gpus(5);
  Find(gpus, 101).drained = true;
  std::set<int64_t> reserved;
  EXPECT_THAT(FirstsOfGroups(gpus, 2, gpus, NotDrained, reserved), ElementsAre(102));
}

// A host that comes back with fewer devices still has its runs on them.
TEST(DeviceGroupTest, AStoredRunReservesWhetherOfferedOrNot) {
  std::vector<DeviceRow> gpus = Gpus(3);
  storage::RunRow run;
  run.device_key = 101;
  run.config_json = R"({"devices_per_run":2})";
  EXPECT_THAT(ReservedBy(run, gpus), ElementsAre(101, 102));
  Find(gpus, 102).offered = false;
  Find(gpus, 101).offered = false;
  EXPECT_THAT(ReservedBy(run, gpus), ElementsAre(101, 102));
  EXPECT_THAT(ReservedBy(run, {}), ElementsAre(101));
}

}  // namespace
}  // namespace laptime
