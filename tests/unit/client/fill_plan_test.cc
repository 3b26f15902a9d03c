#include "client/fill_plan.h"

#include <gmock/gmock.h>

#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

v1::ListDevicesResponse Devices() {
  return FromText<v1::ListDevicesResponse>(
      R"(devices { id: "box/a" state: DEVICE_STATE_IDLE } devices { id: "box/b" state: DEVICE_STATE_BUSY }
         devices { id: "old/cpu" state: DEVICE_STATE_AWAY } devices { id: "box/c" state: DEVICE_STATE_DRAINED })");
}

FillPlan Plan(const std::string& cells) {
  return PlanFill(FromText<v1::GetMatrixResponse>(cells), Devices());
}

TEST(FillPlanTest, DevicesThatLackAsManyShareAJob) {
  const FillPlan plan = Plan(
      R"(cells { device: "box/a" workload: "w" state: "missing" runs_missing: 3 present: true }
         cells { device: "box/b" workload: "w" state: "stale" runs_missing: 3 present: true }
         cells { device: "box/a" workload: "x" state: "missing" runs_missing: 1 present: true }
         cells { device: "box/b" workload: "x" state: "missing" runs_missing: 2 present: true })");
  ASSERT_EQ(plan.jobs.size(), 3u);
  EXPECT_EQ(plan.jobs[0].workload, "w");
  EXPECT_EQ(plan.jobs[0].repeats, 3);
  EXPECT_THAT(plan.jobs[0].devices, ElementsAre("box/a", "box/b"));
  EXPECT_EQ(plan.jobs[1].repeats, 1);
  EXPECT_THAT(plan.jobs[1].devices, ElementsAre("box/a"));
  EXPECT_EQ(plan.jobs[2].repeats, 2);
  EXPECT_TRUE(plan.skipped.empty());
  EXPECT_EQ(RenderTable(FillGrid(plan), false),
            "WORKLOAD  RUNS EACH  DEVICES      RUNS\n"
            "w                 3  box/a box/b     6\n"
            "x                 1  box/a           1\n"
            "x                 2  box/b           2\n");
}

TEST(FillPlanTest, PassesOverDevicesThatTakeNoRuns) {
  const FillPlan plan = Plan(
      R"(cells { device: "old/cpu" workload: "w" state: "missing" runs_missing: 3 present: true }
         cells { device: "old/cpu" workload: "x" state: "missing" runs_missing: 3 present: true }
         cells { device: "box/c" workload: "w" state: "missing" runs_missing: 3 present: true })");
  EXPECT_TRUE(plan.jobs.empty());
  EXPECT_THAT(plan.skipped, ElementsAre(Pair("old/cpu", "its agent is away"),
                                        Pair("box/c", HasSubstr("laptime device resume box/c"))));
}

TEST(FillPlanTest, LeavesAloneWhatIsFreshOrOnItsWay) {
  const FillPlan plan = Plan(
      R"(cells { device: "box/a" workload: "w" state: "fresh" runs: 3 runs_coming: 9 present: true }
         cells { device: "box/b" workload: "w" state: "missing" runs_coming: 3 present: true }
         cells { device: "box/b" workload: "w" state: "stale" libtorch: "1" })");
  EXPECT_TRUE(plan.jobs.empty());
  EXPECT_EQ(plan.coming, 3);
}

TEST(FillPlanTest, AJobIsSubmittedInBlocks) {
  google::protobuf::Map<std::string, std::string> settings;
  settings["epochs"] = "1";
  const FillJob job{"w", 2, {"box/a", "box/b"}};
  const v1::SubmitJobRequest request = SubmissionOf(job, settings);
  EXPECT_EQ(request.workload(), "w");
  EXPECT_THAT(request.selectors(), ElementsAre("box/a", "box/b"));
  EXPECT_EQ(request.repeats(), 2);
  EXPECT_TRUE(request.interleave());
  EXPECT_FALSE(request.dry_run());
  EXPECT_EQ(request.settings().at("epochs"), "1");
  EXPECT_NE(request.idempotency_key(), SubmissionOf(job, settings).idempotency_key());
}

}  // namespace
}  // namespace laptime::client
