#include "client/bundle_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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
using ::testing::HasSubstr;
using ::testing::IsEmpty;
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
      "epochs_done: 3 median_epoch_seconds: 10.25 fit_seconds_per_epoch: 12 mean_loss: 4.5 "
      "utilization_percent: 90 above_90_fraction: 0.5 median_step_seconds: 0.25 mfu_fraction: 0.2 "
      "joules_per_epoch: 50 images_per_joule: 4 peak_memory_bytes: 9");
  run.set_workload_hash(workload.hash());
  for (int number = 1; number <= 3; ++number) {
    v1::Epoch& lap = *bundled.run.add_epochs();
    lap.set_number(number);
    lap.set_wall_seconds(10 + number / 8.0);
    lap.set_knn_accuracy(0.1 + number / 10.0);
    lap.set_peak_memory_bytes(8);
    lap.set_mean_loss(6 - number / 2.0);
    lap.mutable_step_seconds()->set_p50(number / 8.0);
    lap.mutable_utilization()->set_mean_percent(80 + 5 * number);
    lap.mutable_utilization()->set_above_90_fraction(number / 4.0);
    lap.set_mfu_fraction(number / 10.0);
    lap.mutable_energy()->set_joules(100.0 / number);
    lap.mutable_energy()->set_images_per_joule(2 * number);
  }
  *bundled.run.add_attempts() = FromText<v1::Attempt>(
      "number: 1 state: ATTEMPT_STATE_SUCCEEDED epochs_done: 3 finished { peak_memory_bytes: 9 "
      "fit_seconds: 36 epochs: 3 }");
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
                                     "fit per epoch", "median step", "mean loss", "kNN accuracy",
                                     "peak memory", "utilization", "above 90 %", "MFU",
                                     "joules per epoch", "images per joule", "samples"));
}

// Every figure that the run states must come from the laps, and change with them.
TEST(BundleTest, EachFigureIsComputedAnew) {
  const auto& type = *v1::Run::descriptor();
  int figures = 0;
  for (int i = 0; i < type.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *type.field(i);
    if (field.cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_DOUBLE) continue;
    ++figures;
    EXPECT_THAT(WrongAfter([&field](BundledRun& bundled) {
                  v1::Run& run = *bundled.run.mutable_run();
                  const auto& reflection = *run.GetReflection();
                  ASSERT_TRUE(reflection.HasField(run, &field)) << field.name();
                  reflection.SetDouble(&run, &field, reflection.GetDouble(run, &field) * 1.000001);
                }),
                ElementsAre(Pair(::testing::_, HasSubstr("the laps give "))))
        << field.name();
  }
  EXPECT_EQ(figures, 11);
}

TEST(BundleTest, WhatWasNotMeasuredIsNoFigure) {
  EXPECT_THAT(WrongAfter([](BundledRun& run) {
                run.run.mutable_run()->clear_mean_loss();
                run.run.mutable_epochs(2)->set_mean_loss(std::nan(""));
                run.run.mutable_run()->clear_fit_seconds_per_epoch();
                run.run.mutable_attempts(0)->mutable_finished()->clear_fit_seconds();
                run.run.mutable_run()->clear_above_90_fraction();  // of an older database
              }),
              IsEmpty());
  EXPECT_THAT(WrongAfter([](BundledRun& run) { run.run.mutable_run()->clear_mfu_fraction(); }),
              ElementsAre(Pair("MFU", "the laps give 0.2, the run says not measured")));
}

TEST(BundleTest, RowsOfSamplesBecomeSeries) {
  std::vector<v1::SampleSeries> series;
  for (const char* row : {"sensor: 'cpu' unit: 'percent' time_ms: 1 value: 10",
                          "sensor: 'cpu' unit: 'percent' time_ms: 2 value: 20",
                          "sensor: 'cpu' unit: 'percent' time_ms: 2 value: 30",  // another one
                          "sensor: 'cpu' unit: 'percent' time_ms: 5 value: 40",
                          "sensor: 'gpu' unit: 'percent' time_ms: 6 value: 50"})
    AddSample(FromText<v1::SampleRow>(row), series);
  ASSERT_EQ(series.size(), 3U);
  EXPECT_THAT(series[0].times_ms(), ElementsAre(1, 2));
  EXPECT_THAT(series[1].values(), ElementsAre(30, 40));
  EXPECT_EQ(series[1].sensor().name(), "cpu");
  EXPECT_EQ(series[2].sensor().name(), "gpu");
  EXPECT_EQ(series[2].sensor().unit(), "percent");
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
  constexpr char kPartWithoutHash[] =
      "{\"format\":\"laptime-run-bundle\",\"version\":1,\"run\":\"r\","
      "\"parts\":[{\"name\":\"run\"}]}\n";
  for (const char* text :
       {"", "\n", "{}\n", "[1]\n", "hello\n", "{\"format\":\"other\"}\n",
        "{\"format\":\"laptime-run-bundle\"}\n",
        "{\"format\":\"laptime-run-bundle\",\"version\":-1}\n",
        "{\"format\":\"laptime-run-bundle\",\"version\":1,\"run\":7}\n", kPartWithoutHash})
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
