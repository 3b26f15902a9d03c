#include <gmock/gmock.h>

#include "client/capability_view.h"
#include "client/device_view.h"
#include "client/job_view.h"
#include "client/run_view.h"
#include "client/struct_facts.h"
#include "client/text.h"
#include "client/up_screen.h"
#include "client/workload_view.h"
#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

v1::GetRunResponse ExampleRun() {
  return FromText<v1::GetRunResponse>(R"(
    run { id: "r7f3a" job_id: "j1" host: "box" device: "box/cpu" kind: DEVICE_KIND_CPU device_model: "Xeon"
          workload: "simclr-cifar10" workload_hash: "0123456789abcdef" state: RUN_STATE_SUCCEEDED attempt: 1
          repetition: 1 epochs_done: 1 epochs: 1 median_epoch_seconds: 100 knn_accuracy: 0.25
          utilization_percent: 97 partial: true synthetic: true dataset: "cifar10@1a2b3c4d" seed: 1 }
    epochs { number: 1 wall_seconds: 100 mean_loss: 5.5 knn_accuracy: 0.25 images_per_second: 123.4
             phases { load_wait: 0.5 augment: 30 host_to_device: 0 forward: 25 loss: 1 backward: 50 optimizer: 3
                      bank: 15 knn: 3 other: 2.5 }
             utilization { mean_percent: 97 source: "procfs" } }
    snapshot { fields { key: "host" value { struct_value { fields { key: "os" value { string_value: "Debian" } } } } } }
    attempts { number: 1 state: ATTEMPT_STATE_SUCCEEDED epochs_done: 1 })");
}

TEST(CapabilityPageTest, ShowsRatesAndMatrix) {
  const UtcZone utc;
  const auto response = FromText<v1::ListCapabilitiesResponse>(R"(
    devices { device: "box/cpu" probed_unix_ms: 0
              result { device_model: "Xeon" threads: 2 seconds: 42
                       rates { operation: "matmul" type: "float32" unit: "FLOP/s" per_second: 2.5e11 }
                       rates { operation: "matmul" type: "float16" unit: "FLOP/s" reason: "no kernel" }
                       capabilities { precision: "fp32" feature: "training" state: CAPABILITY_STATE_WORKS
                                      seconds: 1.5 }
                       capabilities { precision: "bf16" feature: "training" state: CAPABILITY_STATE_SLOWER
                                      seconds: 3 compared_seconds: 1.5 compared_with: "training in fp32" }
                       capabilities { precision: "fp16" feature: "training" state: CAPABILITY_STATE_FAILS
                                      reason: "no kernel" } } })");
  EXPECT_EQ(CapabilityPage(response, false),
            "device          box/cpu\n"
            "model           Xeon\n"
            "probed          1970-01-01 00:00:00, in 42.0 s\n"
            "threads         2\n"
            "matmul float32  250 GFLOP/s\n"
            "matmul float16  fails: no kernel\n"
            "\n"
            "PRECISION  FEATURE   STATE     TIME   SPEED  COMPARED WITH     REASON\n"
            "fp32       training  works   1.50 s       —  —                 —\n"
            "bf16       training  slower  3.00 s  0.500×  training in fp32  —\n"
            "fp16       training  fails        —       —  —                 no kernel\n");
  const Grid grid = CapabilityGrid(response);
  ASSERT_EQ(grid.rows.size(), 3u);
  EXPECT_EQ(grid.rows[1][0].raw, "box/cpu");
}

TEST(RunPageTest, ShowsFactsLapsAndSnapshot) {
  EXPECT_EQ(RunPage(ExampleRun(), false, false),
            "run           r7f3a (job j1, repetition 1)\n"
            "device        box/cpu (Xeon)\n"
            "workload      simclr-cifar10 01234567\n"
            "state         succeeded\n"
            "marks         partial, synthetic\n"
            "data          cifar10@1a2b3c4d\n"
            "laps          1 of 1\n"
            "median lap    1m40\n"
            "kNN accuracy  0.250\n"
            "utilization   97 %\n"
            "\n"
            "LAP  WALL  LOSS    KNN  IMG/S  UTIL   LOAD   COPY   FWD  NT-XENT   BWD    SGD  BANK   "
            "VOTE  OTHER\n"
            "  1  1m40  5.50  0.250    123  97 %  0.5 %  0.0 %  25 %    1.0 %  50 %  3.0 %  15 %  "
            "3.0 %  2.5 %\n"
            "\n"
            "snapshot\n"
            "host.os  Debian\n");
}

TEST(RunPageTest, LapTableFitsIntoAHundredColumns) {
  const std::string page = RunPage(ExampleRun(), false, false);
  for (size_t at = 0, end = 0; at < page.size(); at = end + 1) {
    end = page.find('\n', at);
    EXPECT_LE(DisplayWidth(page.substr(at, end - at)), 100);
  }
}

TEST(RunPageTest, ShowsAttemptsOnceThereAreTwo) {
  v1::GetRunResponse response = ExampleRun();
  EXPECT_THAT(RunPage(response, false, false), Not(HasSubstr("ATTEMPT")));
  response.mutable_attempts(0)->set_state(v1::ATTEMPT_STATE_FAILED);
  response.mutable_attempts(0)->mutable_failure()->set_message("killed by signal 9");
  response.mutable_attempts(0)->mutable_failure()->set_cause(v1::FAILURE_CAUSE_INFRASTRUCTURE);
  *response.add_attempts() =
      FromText<v1::Attempt>("number: 2 state: ATTEMPT_STATE_SUCCEEDED epochs_done: 1");
  EXPECT_THAT(RunPage(response, false, false), HasSubstr("killed by signal 9 (infrastructure)"));
}

TEST(RunPageTest, SaysThatPhasesWereProfiled) {
  v1::GetRunResponse response = ExampleRun();
  response.mutable_epochs(0)->mutable_phases()->set_profiled(true);
  EXPECT_THAT(RunPage(response, false, false), HasSubstr("profiled steps outside the lap"));
}

TEST(RunGridTest, ListShowsMarks) {
  v1::ListRunsResponse runs;
  *runs.add_runs() = ExampleRun().run();
  EXPECT_EQ(
      RenderTable(Narrow(RunGrid(runs.runs())), false),
      "RUN    DEVICE   WORKLOAD        STATE      LAPS   LAP    KNN  UTIL  MARKS\n"
      "r7f3a  box/cpu  simclr-cifar10  succeeded   1/1  1m40  0.250  97 %  partial, synthetic\n");
}

TEST(RunGridTest, CsvNamesEveryMeasurement) {
  v1::ListRunsResponse runs;
  *runs.add_runs() = ExampleRun().run();
  const std::string csv = RenderCsv(RunGrid(runs.runs()));
  EXPECT_THAT(
      csv, StartsWith("id,device,workload,state,epochs_done,median_epoch_seconds,knn_accuracy,"));
  EXPECT_THAT(
      csv,
      HasSubstr(
          "\nr7f3a,box/cpu,simclr-cifar10,succeeded,1,100,0.25,97,\"partial, synthetic\",j1,"));
}

TEST(LapGridTest, CsvHasSecondsOfPhases) {
  const std::string csv = RenderCsv(LapGrid(ExampleRun().epochs()));
  EXPECT_THAT(csv, HasSubstr("\n1,100,5.5,0.25,123.4,97,0.5,0,25,1,50,3,15,3,2.5,30,"));
}

TEST(JobPageTest, ShowsTheJobAndItsRuns) {
  const UtcZone utc;
  auto response = FromText<v1::GetJobResponse>(
      R"(job { id: "j1" workload { name: "simclr-cifar10" hash: "0123456789" partial: true } selectors: "kind=cpu"
               repeats: 2 state: JOB_STATE_RUNNING created_unix_ms: 1763925005123 runs: 2 runs_ended: 1 })");
  *response.add_runs() = ExampleRun().run();
  EXPECT_EQ(
      JobPage(response, false, false),
      "job       j1\n"
      "workload  simclr-cifar10 01234567\n"
      "marks     partial\n"
      "state     running\n"
      "devices   kind=cpu\n"
      "repeats   2\n"
      "created   2025-11-23 19:10:05\n"
      "\n"
      "RUN    DEVICE   WORKLOAD        STATE      LAPS   LAP    KNN  UTIL  MARKS\n"
      "r7f3a  box/cpu  simclr-cifar10  succeeded   1/1  1m40  0.250  97 %  partial, synthetic\n");
}

TEST(JobPageTest, SaysHowFarAJobIsThatRepeatsUntil) {
  const auto response = FromText<v1::GetJobResponse>(
      R"(job { id: "j1" workload { name: "w" } repeats: 3 until_percent: 1.5 most_repeats: 10 interleave: true }
         repeats { device: "a/cpu" runs: 10 runs_counted: 8 half_width_percent: 1.72 state: "most repeats" }
         repeats { device: "b/cpu" runs: 4 runs_counted: 4 half_width_percent: 0.84 state: "narrow enough" }
         repeats { device: "c/cpu" runs: 1 runs_counted: 1 state: "goes on" }
         repeats { device: "d/cpu" runs: 3 runs_counted: 1 state: "failing" }
         repeats { device: "e/cpu" runs: 3 runs_counted: 2 half_width_percent: 31 state: "cancelled" })");
  EXPECT_THAT(RepeatsLines(response),
              ::testing::ElementsAre(
                  "a/cpu: ±1.7 % after 10 runs, 8 counted, asked ±1.5 %: 10 are the most "
                  "allowed",
                  "b/cpu: ±0.84 % after 4 runs, asked ±1.5 %",
                  "c/cpu: no interval after 1 run, asked ±1.5 %: goes on",
                  "d/cpu: no interval after 3 runs, 1 counted, asked ±1.5 %: the last runs "
                  "failed",
                  "e/cpu: ±31 % after 3 runs, 2 counted, asked ±1.5 %: a run was cancelled "
                  "or lost"));
  const std::string page = JobPage(response, false, false);
  EXPECT_THAT(page, HasSubstr("repeats   3, and on until ±1.5 %, at most 10\n"));
  EXPECT_THAT(page, HasSubstr("order     blocks of one run on every device, in random order\n"));
  EXPECT_THAT(page, HasSubstr("b/cpu: ±0.84 % after 4 runs"));
}

TEST(ResolvedTextTest, SaysThatBlocksAreDrawnLater) {
  const auto response = FromText<v1::SubmitJobResponse>(
      R"(job { id: "j1" workload { name: "w" } interleave: true } runs { device: "a/cpu" epochs: 1 })");
  EXPECT_THAT(ResolvedText(response, true), HasSubstr("drawn when the job is submitted"));
  EXPECT_THAT(ResolvedText(response, false), ::testing::EndsWith("in random order"));
}

TEST(ResolvedTextTest, NamesStepsDevicesAndMarks) {
  const auto response = FromText<v1::SubmitJobResponse>(
      R"(job { id: "j1" workload { name: "w" steps_per_epoch: 20 partial: true } }
         runs { device: "a/cpu" epochs: 2 } runs { device: "a/cpu" epochs: 2 } runs { device: "b/mps" epochs: 2 })");
  EXPECT_EQ(ResolvedText(response, false),
            "job j1: w, 20 steps an epoch, 2 epochs (partial), on a/cpu x2, b/mps");
  EXPECT_THAT(ResolvedText(response, true), StartsWith("would submit w, 20 steps"));
}

TEST(DeviceViewTest, ListAndPage) {
  const auto response = FromText<v1::GetDeviceResponse>(
      R"(device { id: "box/cuda:0" host: "box" name: "cuda:0" kind: DEVICE_KIND_CUDA model: "A6000"
                  state: DEVICE_STATE_IDLE health: DEVICE_HEALTH_OK memory_bytes: 48e9 address: "cuda:0" }
         host { name: "box" os: "Debian 12" physical_cores: 8 logical_cores: 16 }
         noise_floor_percent: 2.1 calibration_runs: 6)");
  EXPECT_EQ(RenderTable(Narrow(DeviceGrid(response.device())), false),
            "DEVICE      KIND  MODEL  STATE  HEALTH  RUN\n"
            "box/cuda:0  cuda  A6000  idle   ok      —\n");
  EXPECT_EQ(DevicePage(response),
            "device       box/cuda:0\n"
            "kind         cuda\n"
            "model        A6000\n"
            "state        idle\n"
            "health       ok\n"
            "address      cuda:0\n"
            "memory       48.0 GB\n"
            "noise floor  2.10 %, from 6 calibration runs\n"
            "host         box\n"
            "system       Debian 12\n"
            "cores        8 physical, 16 logical\n");
}

TEST(WorkloadViewTest, KeyPageSaysWhetherTheKeyIsPartOfTheHash) {
  const auto key = FromText<v1::WorkloadKeyInfo>(
      R"(name: "epochs" type: "integer" allowed: "1 to 10000" default_value: "2" help: "laps to train")");
  EXPECT_THAT(KeyPage(key), HasSubstr("hashed   no: recorded, but runs stay comparable\n"));
  EXPECT_THAT(KeyPage(key), HasSubstr("allowed  1 to 10000\n"));
}

TEST(WorkloadViewTest, KeyGridShowsThePresetsValues) {
  const auto list = FromText<v1::ListWorkloadsResponse>(
      R"(presets { name: "w" workload { config { fields { key: "epochs" value { number_value: 7 } } } } }
         keys { name: "epochs" default_value: "2" allowed: "1 to 9" unit: "epochs" })");
  EXPECT_EQ(RenderTable(Narrow(KeyGrid(list.keys(), list.presets(0))), false),
            "KEY     VALUE  DEFAULT  ALLOWED  UNIT    HASHED\n"
            "epochs  7      2        1 to 9   epochs  no\n");
}

TEST(StructFactsTest, JoinsNestedKeysAndLists) {
  const auto data = FromText<google::protobuf::Struct>(R"(
    fields { key: "b" value { struct_value { fields { key: "x" value { number_value: 0.5 } }
                                             fields { key: "a" value { bool_value: true } } } } }
    fields { key: "a" value { list_value { values { string_value: "p" } values { number_value: 2 } } } })");
  EXPECT_EQ(RenderFacts(FactsOf(data)), "a    p, 2\nb.a  yes\nb.x  0.5\n");
}

TEST(StructFactsTest, DeepNestingEnds) {
  google::protobuf::Value value;
  google::protobuf::Value* inner = &value;
  for (int i = 0; i < 2000; ++i) inner = inner->mutable_list_value()->add_values();
  EXPECT_EQ(ValueText(value), "…");
}

TEST(UpScreenTest, TellsAddressDevicesDataAndNextCommand) {
  UpScreen screen;
  screen.address = "127.0.0.1:9000";
  screen.devices = {FromText<v1::Device>(R"(id: "box/cpu" kind: DEVICE_KIND_CPU model: "Xeon")"),
                    FromText<v1::Device>(R"(id: "box/cuda:0" kind: DEVICE_KIND_CUDA)")};
  screen.data = {false, "cifar10 not found", "fetch it"};
  screen.state = "/state";
  EXPECT_EQ(ScreenText(screen),
            "laptime 0.1.0 is up\n"
            "address  127.0.0.1:9000\n"
            "devices  box/cpu (Xeon)\n"
            "         box/cuda:0\n"
            "data     cifar10 not found\n"
            "         fetch it\n"
            "state    /state (database and logs)\n"
            "next     laptime submit simclr-synthetic-cifar10 --device box/cuda:0 --server "
            "127.0.0.1:9000\n"
            "         in another terminal; Ctrl-C here stops everything\n");
}

TEST(UpScreenTest, TakesTheDevicesOfThisHost) {
  const auto list = FromText<v1::ListDevicesResponse>(
      R"(devices { id: "old/cpu" host: "old" state: DEVICE_STATE_AWAY }
         devices { id: "other/cpu" host: "other" state: DEVICE_STATE_IDLE }
         devices { id: "box/cpu" host: "box" state: DEVICE_STATE_IDLE })");
  ASSERT_EQ(DevicesHere(list.devices(), "box.example.org").size(), 1u);
  EXPECT_EQ(DevicesHere(list.devices(), "box.example.org")[0].id(), "box/cpu");
  EXPECT_EQ(DevicesHere(list.devices(), "nobody").size(), 2u);
}

}  // namespace
}  // namespace laptime::client
