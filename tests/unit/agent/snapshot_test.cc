#include "agent/snapshot.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace laptime::agent {
namespace {

using nlohmann::json;

SnapshotFacts Facts() {
  SnapshotFacts facts;
  facts.host.host.set_cpu_model("Some CPU");
  facts.host.host.set_logical_cores(8);
  facts.device.device.set_name("cuda:0");
  facts.device.device.set_kind(v1::DEVICE_KIND_CUDA);
  facts.device.gpu = GpuInfo{0, "GPU", "GPU-aaaa", std::nullopt};
  facts.nvidia_driver = "550.1";
  facts.power = {{"governor", "performance"}, {"source", "ac"}};
  facts.gpu_limit_watts = 300;
  facts.gpu_default_limit_watts = 350;
  facts.dataset = "cifar10";
  facts.files = DatasetFiles{"/data", std::string(64, 'a'), true};
  v1::Sensor sensor;
  sensor.set_name("device_power");
  sensor.set_source("nvml");
  facts.sensors = {sensor};
  return facts;
}

v1::TrainerStarted Started(int pid) {
  v1::TrainerStarted started;
  (*started.mutable_versions())["libtorch"] = "2.11.0";
  (*started.mutable_flags())["tf32"] = "on";
  (*started.mutable_config()->mutable_fields())["seed"].set_number_value(pid);
  v1::ModuleFact* module = started.add_modules();
  module->set_name("backbone");
  module->set_parameters(11168832);
  started.set_pid(pid);
  return started;
}

TEST(SnapshotJsonTest, HoldsWhatTheResultDependsOn) {
  const json snapshot = json::parse(SnapshotJson(Facts(), Started(1)));
  EXPECT_EQ(snapshot["host"]["cpu_model"], "Some CPU");
  EXPECT_EQ(snapshot["device"]["uuid"], "GPU-aaaa");
  EXPECT_EQ(snapshot["driver"]["nvidia"], "550.1");
  EXPECT_EQ(snapshot["device"]["power_limit_watts"], 300);
  EXPECT_EQ(snapshot["device"]["power_default_limit_watts"], 350);
  EXPECT_EQ(snapshot["power"],
            json({{"governor", "performance"}, {"source", "ac"}, {"gpu_limit_of_default", 0.857}}));
  EXPECT_EQ(snapshot["dataset"]["name"], "cifar10@aaaaaaaa");
  EXPECT_EQ(snapshot["dataset"]["official"], true);
  EXPECT_EQ(snapshot["trainer"]["versions"]["libtorch"], "2.11.0");
  EXPECT_EQ(snapshot["trainer"]["flags"]["tf32"], "on");
  EXPECT_EQ(snapshot["trainer"]["modules"][0]["parameters"], 11168832);
  EXPECT_EQ(snapshot["telemetry"]["device_power"], "nvml");
}

TEST(SnapshotJsonTest, IsTheSameForEveryRunOfOneSetUp) {
  EXPECT_EQ(SnapshotJson(Facts(), Started(1)), SnapshotJson(Facts(), Started(2)));
}

TEST(SnapshotJsonTest, LeavesOutWhatIsNotThere) {
  SnapshotFacts facts = Facts();
  facts.files.reset();
  facts.dataset = "synthetic-cifar10";
  facts.nvidia_driver.clear();
  facts.power.clear();
  facts.gpu_limit_watts.reset();
  facts.gpu_default_limit_watts.reset();
  facts.device.gpu.reset();
  const json snapshot = json::parse(SnapshotJson(facts, Started(1)));
  EXPECT_EQ(snapshot["dataset"], json({{"name", "synthetic-cifar10"}}));
  EXPECT_FALSE(snapshot.contains("driver"));
  EXPECT_FALSE(snapshot.contains("power"));
  EXPECT_FALSE(snapshot["device"].contains("power_limit_watts"));
  EXPECT_FALSE(snapshot["host"].contains("physical_cores"));
}

TEST(SnapshotJsonTest, GpusWithAllTheirPowerHaveOnePowerMode) {
  SnapshotFacts small = Facts(), large = Facts();
  small.gpu_limit_watts = small.gpu_default_limit_watts = 70;
  large.gpu_limit_watts = large.gpu_default_limit_watts = 700;
  const auto power = [](const SnapshotFacts& facts) {
    return json::parse(SnapshotJson(facts, Started(1)))["power"];
  };
  EXPECT_EQ(power(small), power(large));
  EXPECT_EQ(power(small)["gpu_limit_of_default"], 1.0);
  small.gpu_default_limit_watts.reset();  // an older driver
  EXPECT_FALSE(power(small).contains("gpu_limit_of_default"));
}

TEST(SnapshotJsonTest, SurvivesNamesThatAreNoText) {
  SnapshotFacts facts = Facts();
  facts.host.host.set_cpu_model("bad \xff name");
  EXPECT_TRUE(json::accept(SnapshotJson(facts, Started(1))));
}

}  // namespace
}  // namespace laptime::agent
