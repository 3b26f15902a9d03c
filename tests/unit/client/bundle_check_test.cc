#include "client/bundle_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "client/bundle.h"
#include "proto/support/sha256.h"
#include "proto/support/workload_spec.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using testing::StatusIs;

// A run of three laps that succeeded, as the coordinator would tell of it.
BundledRun ThreeLaps() {
  BundledRun bundled;
  const auto spec = std::get<WorkloadSpec>(ResolveWorkload("simclr-cifar10", {{"epochs", "3"}}));
  v1::Workload& workload = *bundled.job.mutable_workload();
  workload.set_name("simclr-cifar10");
  workload.set_hash(Sha256Hex(spec.HashedText()));
  workload.set_steps_per_epoch(spec.steps_per_epoch());
  for (const auto& [key, value] : spec.config.items()) {
    auto& stored = (*workload.mutable_config()->mutable_fields())[key];
    if (value.is_string()) stored.set_string_value(value);
    if (value.is_number()) stored.set_number_value(value);
    if (value.is_boolean()) stored.set_bool_value(value);
  }
  bundled.job.set_id("j1");
  v1::Run& run = *bundled.run.mutable_run();
  run = FromText<v1::Run>(
      "id: 'r1' job_id: 'j1' device: 'box/cpu' state: RUN_STATE_SUCCEEDED attempt: 1 epochs: 3 "
      "epochs_done: 3 median_epoch_seconds: 10.25 knn_accuracy: 0.4 peak_memory_bytes: 9");
  run.set_workload_hash(workload.hash());
  for (int number = 1; number <= 3; ++number) {
    v1::Epoch& lap = *bundled.run.add_epochs();
    lap.set_number(number);
    lap.set_wall_seconds(10 + number / 8.0);
    lap.set_knn_accuracy(0.1 + number / 10.0);
    lap.set_peak_memory_bytes(8);
  }
  *bundled.run.add_attempts() = FromText<v1::Attempt>(
      "number: 1 state: ATTEMPT_STATE_SUCCEEDED epochs_done: 3 finished { peak_memory_bytes: 9 }");
  *bundled.run.add_annotations() = FromText<v1::Annotation>("at_unix_ms: 5 author: 'e' text: 'n'");
  bundled.samples.push_back(
      FromText<v1::SampleSeries>("sensor { name: 'cpu' } times_ms: [1000, 2000] values: [1, 2]"));
  bundled.log.set_attempt(1);
  bundled.run.mutable_run()->set_knn_accuracy(bundled.run.epochs(2).knn_accuracy());
  return bundled;
}

std::string TextOf(const BundledRun& run) { return BundleText(run.run.run().id(), PartsOf(run)); }

// What is wrong, as what → detail.
std::vector<std::pair<std::string, std::string>> Wrong(const std::string& text) {
  const auto findings = CheckBundle(text);
  EXPECT_OK(findings);
  std::vector<std::pair<std::string, std::string>> wrong;
  for (const BundleFinding& one : findings.value_or(std::vector<BundleFinding>{})) {
    if (!one.good) wrong.emplace_back(one.what, one.detail);
  }
  return wrong;
}

// The bundle of a run that somebody changed before its hashes were made.
std::vector<std::pair<std::string, std::string>> WrongAfter(
    const std::function<void(BundledRun&)>& change) {
  BundledRun run = ThreeLaps();
  change(run);
  return Wrong(TextOf(run));
}

TEST(BundleTest, IsTheSameEachTimeAndGood) {
  const std::string text = TextOf(ThreeLaps());
  EXPECT_EQ(text, TextOf(ThreeLaps()));
  EXPECT_THAT(text, HasSubstr("{\"format\":\"laptime-run-bundle\",\"version\":1,"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 10);
  EXPECT_THAT(Wrong(text), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto findings, CheckBundle(text));
  std::vector<std::string> looked_at;
  for (const BundleFinding& one : findings) looked_at.push_back(one.what);
  EXPECT_THAT(looked_at, ElementsAre("lines", "run", "workload", "attempts", "laps", "median lap",
                                     "median step", "kNN accuracy", "peak memory", "samples"));
}

TEST(BundleTest, AnEditedLineIsFound) {
  std::string text = TextOf(ThreeLaps());
  const size_t at = text.find("\"wall_seconds\":10.25");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 20, "\"wall_seconds\":10.20");
  const auto wrong = Wrong(text);
  EXPECT_THAT(wrong, Contains(Pair("line 6, epoch/2", HasSubstr("has the SHA-256"))));
  EXPECT_THAT(wrong, Contains(Pair("median lap", "the laps give 10.2, the run says 10.25")));
}

TEST(BundleTest, EveryByteCounts) {
  const std::string whole = TextOf(ThreeLaps());
  for (size_t i = 0; i < whole.size(); i += 7) {
    std::string text = whole;
    text[i] = text[i] == '0' ? '1' : '0';
    const auto findings = CheckBundle(text);
    if (!findings.ok()) continue;  // its first line is none any more
    const bool wrong = std::ranges::any_of(*findings, [](const auto& one) { return !one.good; });
    // Of the manifest, what program wrote it is not looked at.
    const bool program = i >= whole.find("\"laptime\":") && i < whole.find("\"run\":");
    EXPECT_TRUE(wrong || program) << i << " " << text.substr(std::max<size_t>(i, 20) - 20, 40);
  }
}

TEST(BundleTest, ATruncatedFileIsFound) {
  const std::string whole = TextOf(ThreeLaps());
  EXPECT_THAT(Wrong(whole.substr(0, whole.size() - 1)),
              ElementsAre(Pair("lines", "the last one is cut off")));
  const size_t half = whole.rfind("{\"number\":3");
  const auto wrong = Wrong(whole.substr(0, half));
  EXPECT_THAT(wrong, Contains(Pair("lines", "the file ends after 5 of 9 parts")));
  EXPECT_THAT(wrong, Contains(Pair("log", "is missing")));
  EXPECT_THAT(Wrong(whole + "{}\n"),
              ElementsAre(Pair("lines", "there are 1 more than the manifest names")));
}

TEST(BundleTest, WhatIsNoBundleIsSaidSo) {
  for (const char* text : {"", "\n", "{}\n", "[1]\n", "hello\n", "{\"format\":\"other\"}\n",
                           "{\"format\":\"laptime-run-bundle\"}\n",
                           "{\"format\":\"laptime-run-bundle\",\"version\":-1}\n",
                           "{\"format\":\"laptime-run-bundle\",\"version\":1,\"run\":7}\n",
                           "{\"format\":\"laptime-run-bundle\",\"version\":1,\"run\":\"r\","
                           "\"parts\":[{\"name\":\"run\"}]}\n"})
    EXPECT_THAT(CheckBundle(text),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("no bundle of a run")))
        << text;
  EXPECT_THAT(CheckBundle("{\"format\":\"laptime-run-bundle\",\"version\":2}\n"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("version 2")));
}

// With hashes that fit: whoever edits a bundle and its manifest still has to make it agree.
TEST(BundleTest, DisagreementsAreFound) {
  EXPECT_THAT(
      WrongAfter([](BundledRun& run) { run.run.mutable_run()->set_median_epoch_seconds(9); }),
      ElementsAre(Pair("median lap", "the laps give 10.25, the run says 9")));
  EXPECT_THAT(WrongAfter([](BundledRun& run) { run.run.mutable_run()->clear_knn_accuracy(); }),
              ElementsAre(Pair("kNN accuracy", HasSubstr("the run says not measured"))));
  EXPECT_THAT(WrongAfter([](BundledRun& run) {
                auto& fields = *run.job.mutable_workload()->mutable_config()->mutable_fields();
                fields["batch_size"].set_number_value(256);
              }),
              Contains(Pair("workload", HasSubstr("its keys have the hash"))));
  EXPECT_THAT(WrongAfter([](BundledRun& run) {
                auto& fields = *run.job.mutable_workload()->mutable_config()->mutable_fields();
                fields["batch_sise"].set_number_value(256);
              }),
              Contains(Pair("workload", HasSubstr("does not know it"))));
  EXPECT_THAT(WrongAfter([](BundledRun& run) { run.run.mutable_run()->set_partial(true); }),
              Contains(Pair("workload", HasSubstr("do not follow"))));
  EXPECT_THAT(WrongAfter([](BundledRun& run) { run.run.mutable_epochs(1)->set_number(4); }),
              ElementsAre(Pair("laps", "lap 2 is missing")));
  EXPECT_THAT(WrongAfter([](BundledRun& run) { run.run.mutable_epochs()->RemoveLast(); }),
              Contains(Pair("laps", "2 are there, the run says 3")));
  EXPECT_THAT(WrongAfter([](BundledRun& run) { run.run.mutable_run()->set_epochs(4); }),
              ElementsAre(Pair("laps", HasSubstr("succeeded with 3 of 4"))));
  EXPECT_THAT(WrongAfter([](BundledRun& run) { run.run.clear_attempts(); }),
              Contains(Pair("attempts", "0 are there, the run says 1")));
  EXPECT_THAT(WrongAfter([](BundledRun& run) { run.samples[0].add_values(3); }),
              ElementsAre(Pair("samples", HasSubstr("another number of times"))));
  EXPECT_THAT(WrongAfter([](BundledRun& run) { run.samples[0].set_times_ms(1, 500); }),
              ElementsAre(Pair("samples", HasSubstr("go back"))));
  EXPECT_THAT(WrongAfter([](BundledRun& run) { run.job.set_id("j2"); }),
              ElementsAre(Pair("run", HasSubstr("different ones"))));
  EXPECT_THAT(WrongAfter([](BundledRun& run) { run.log.set_attempt(2); }),
              ElementsAre(Pair("log", HasSubstr("another attempt"))));
}

}  // namespace
}  // namespace laptime::client
