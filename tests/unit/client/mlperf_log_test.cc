#include "client/mlperf_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

std::vector<json> LinesOf(const std::string& log) {
  std::vector<json> lines;
  std::istringstream in(log);
  for (std::string line; std::getline(in, line);) {
    EXPECT_EQ(line.rfind(":::MLLOG {", 0), 0U) << line;
    lines.push_back(json::parse(line.substr(std::string(":::MLLOG ").size())));
  }
  return lines;
}

v1::GetRunResponse TwoLaps() {
  return FromText<v1::GetRunResponse>(
      "run { id: 'r1' workload: 'simclr-cifar10' device_model: 'chip' seed: 7 "
      "  state: RUN_STATE_SUCCEEDED created_unix_ms: 500 }"
      "workload { name: 'simclr-cifar10' config { fields { key: 'batch_size' value { number_value: "
      "  256 } } } }"
      "attempts { number: 1 created_unix_ms: 900 }"
      "epochs { number: 1 started_unix_ms: 1000 ended_unix_ms: 5000 evaluation_seconds: 1.5 "
      "  knn_accuracy: 0.25 }"
      "epochs { number: 2 started_unix_ms: 5000 ended_unix_ms: 9000 evaluation_seconds: 1 "
      "  knn_accuracy: 0.5 }");
}

TEST(MlperfLogTest, TellsTheRunInOrder) {
  std::vector<std::string> told;
  for (const json& line : LinesOf(MlperfLog(TwoLaps()))) {
    const std::string type = line["event_type"];
    if (type != "POINT_IN_TIME" || line["key"] == "eval_accuracy")
      told.push_back(line["key"].get<std::string>() + "@" + line["time_ms"].dump());
  }
  EXPECT_THAT(told, ElementsAre("init_start@900", "init_stop@1000", "run_start@1000",
                                "epoch_start@1000", "eval_start@3500", "eval_accuracy@5000",
                                "eval_stop@5000", "epoch_stop@5000", "epoch_start@5000",
                                "eval_start@8000", "eval_accuracy@9000", "eval_stop@9000",
                                "epoch_stop@9000", "run_stop@9000"));
}

TEST(MlperfLogTest, SaysWhatWasTrained) {
  std::map<std::string, json> values;
  for (const json& line : LinesOf(MlperfLog(TwoLaps()))) {
    if (line["event_type"] == "POINT_IN_TIME") values[line["key"]] = line["value"];
    EXPECT_EQ(line["namespace"], "");
    EXPECT_TRUE(line["metadata"].is_object());
  }
  EXPECT_EQ(values["submission_benchmark"], "simclr-cifar10");
  EXPECT_EQ(values["global_batch_size"], 256);
  EXPECT_EQ(values["opt_name"], "sgd");
  EXPECT_DOUBLE_EQ(values["opt_base_learning_rate"].get<double>(), 0.12);
  EXPECT_EQ(values["train_samples"], 50000);
  EXPECT_EQ(values["eval_samples"], 10000);
  EXPECT_EQ(values["seed"], 7);
  EXPECT_EQ(values["eval_accuracy"], 0.5);
}

TEST(MlperfLogTest, SaysHowItEnded) {
  v1::GetRunResponse run = TwoLaps();
  EXPECT_EQ(LinesOf(MlperfLog(run)).back()["metadata"]["status"], "success");
  run.mutable_run()->set_state(v1::RUN_STATE_FAILED);
  EXPECT_EQ(LinesOf(MlperfLog(run)).back()["metadata"]["status"], "aborted");
}

TEST(MlperfLogTest, ARunThatGoesOnHasNotStopped) {
  v1::GetRunResponse run = TwoLaps();
  run.mutable_run()->set_state(v1::RUN_STATE_RUNNING);
  EXPECT_EQ(LinesOf(MlperfLog(run)).back()["key"], "epoch_stop");
  run = TwoLaps();
  run.mutable_epochs(1)->clear_ended_unix_ms();
  EXPECT_EQ(LinesOf(MlperfLog(run)).back()["key"], "epoch_stop");
}

int64_t InitStartOf(const v1::GetRunResponse& run) {
  const json first = LinesOf(MlperfLog(run)).front();
  EXPECT_EQ(first["key"], "init_start");
  return first["time_ms"];
}

TEST(MlperfLogTest, AResumedRunBeginsWithTheAttemptOfItsFirstLap) {
  v1::GetRunResponse run = TwoLaps();
  const auto add = [&run](const std::string& text) {
    *run.add_attempts() = FromText<v1::Attempt>(text);
  };
  add("number: 2 created_unix_ms: 6000 resumed_epochs: 1 epochs_done: 2");
  run.mutable_attempts(0)->set_epochs_done(1);
  EXPECT_EQ(InitStartOf(run), 900);
  // The second began anew, the third never came to begin.
  run.mutable_attempts(1)->clear_resumed_epochs();
  add("number: 3 created_unix_ms: 7000");
  add("number: 4 created_unix_ms: 8000 resumed_epochs: 2 epochs_done: 2");
  EXPECT_EQ(InitStartOf(run), 6000);
  run.clear_attempts();
  EXPECT_EQ(InitStartOf(run), 500);
}

TEST(MlperfLogTest, ARunWithoutLapsNeverStarted) {
  v1::GetRunResponse run = TwoLaps();
  run.clear_epochs();
  for (const json& line : LinesOf(MlperfLog(run))) EXPECT_NE(line["key"], "run_start");
}

TEST(MlperfLogTest, WhatWasNotMeasuredIsLeftOut) {
  v1::GetRunResponse run = TwoLaps();
  for (v1::Epoch& epoch : *run.mutable_epochs()) epoch.clear_knn_accuracy();
  for (const json& line : LinesOf(MlperfLog(run))) EXPECT_NE(line["key"], "eval_start");
}

}  // namespace
}  // namespace laptime::client
