#include "server/comparison/comparison.h"

#include <algorithm>

#include "server/comparison/group_facts.h"
#include "server/comparison/run_selection.h"
#include "server/import_results.h"
#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

constexpr int64_t kDay = 24LL * 3600 * 1000;

class ComparisonTest : public testing::CoordinatorFixture {
 protected:
  absl::StatusOr<v1::Comparison> Compare(const std::string& a, const std::string& b,
                                         int64_t later_ms = 0) {
    v1::CompareRunsRequest request;
    request.set_a(a);
    request.set_b(b);
    absl::StatusOr<v1::Comparison> comparison;
    absl::Status status = store_->Read([&](const storage::Reader& reader) {
      comparison = BuildComparison(reader, request, UnixMs(clock_.WallNow()) + later_ms);
      return comparison.status();
    });
    return status.ok() ? comparison : status;
  }

  // One run after the other on the device, with laps of those seconds; returns their job's id.
  std::string Runs(const std::string& device, const std::vector<double>& laps,
                   const std::map<std::string, std::string>& settings = {}) {
    const std::string host = device.substr(0, device.find('/'));
    if (!links_.contains(host)) links_[host] = Attach(host);
    v1::SubmitJobRequest request;
    request.add_selectors(device);
    request.set_repeats(static_cast<int>(laps.size()));
    for (const auto& [key, value] : settings) (*request.mutable_settings())[key] = value;
    const std::string job = Submit(request).job().id();
    for (const double seconds : laps) Complete(host, *links_[host], seconds);
    return job;
  }

  std::string HashOf(const std::string& job_id) {
    std::string hash;
    EXPECT_OK(store_->Read([&](const storage::Reader& reader) {
      auto job = reader.FindJob(job_id);
      if (job.ok()) hash = job->workload().hash();
      return job.status();
    }));
    return hash;
  }

  std::map<std::string, std::shared_ptr<testing::FakeLink>> links_;
};

TEST_F(ComparisonTest, TellsARealDifferenceFromTheBaseline) {
  Runs("box/cpu", {400, 402, 398, 401});
  Runs("fast/cpu", {200, 201, 199, 202});
  ASSERT_OK_AND_ASSIGN(v1::Comparison comparison, Compare("box/cpu", "fast/cpu"));
  EXPECT_NEAR(comparison.ratio(), 0.5, 0.005);
  EXPECT_LT(comparison.low(), comparison.ratio());
  EXPECT_GT(comparison.high(), comparison.ratio());
  EXPECT_LT(comparison.high(), 0.51);
  EXPECT_EQ(comparison.verdict(), "different");
  EXPECT_EQ(comparison.grade(), "same");
  EXPECT_EQ(comparison.n_a(), 4);
  EXPECT_EQ(comparison.basis(), "median lap of each run");
  EXPECT_THAT(comparison.b().devices(), ElementsAre("fast/cpu"));
  EXPECT_THAT(comparison.b().seconds(), ElementsAre(200, 201, 199, 202));
  EXPECT_NEAR(comparison.a().mean_seconds(), 400.2, 0.1);
}

// What copies or prints a value recurses, and an agent may send any depth.
TEST_F(ComparisonTest, AFactThatIsNoValueIsNotPrinted) {
  Runs("fast/cpu", {200, 201});
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  snapshot_json_ = R"({"dataset":)" + deep + R"(,"run_in_parallel":)" + deep +
                   R"(,"power":{"source":)" + deep + "}}";
  Runs("box/cpu", {400, 401});
  EXPECT_OK(Compare("box/cpu", "fast/cpu"));
}

TEST_F(ComparisonTest, IdenticalWorkIsEquivalentOrUndecided) {
  const std::string a = Runs("box/cpu", {300, 300.2, 299.9, 300.1});
  const std::string b = Runs("box/cpu", {300.1, 299.8, 300, 300.2});
  ASSERT_OK_AND_ASSIGN(v1::Comparison comparison, Compare(a, b));
  EXPECT_EQ(comparison.verdict(), "equivalent");
  EXPECT_FALSE(comparison.has_runs_needed());
  const std::string noisy = Runs("box/cpu", {292, 309, 300, 301});
  ASSERT_OK_AND_ASSIGN(comparison, Compare(a, noisy));
  EXPECT_EQ(comparison.verdict(), "inconclusive");
  EXPECT_GT(comparison.runs_needed(), 4);
}

TEST_F(ComparisonTest, OneRunOnASideGivesARatioAndNoInterval) {
  const std::string a = Runs("box/cpu", {300});
  const std::string b = Runs("box/cpu", {150, 151});
  ASSERT_OK_AND_ASSIGN(v1::Comparison comparison, Compare(a, b));
  EXPECT_NEAR(comparison.ratio(), 0.5, 0.01);
  EXPECT_FALSE(comparison.has_low());
  EXPECT_EQ(comparison.verdict(), "inconclusive");
}

// The claims of the article: 8.8 and 13.77 times, from its published fits.
TEST_F(ComparisonTest, ComparesPublishedResultsByTheirWholeFits) {
  ASSERT_OK(ImportResults(*store_, kPublishedResults, true, 1));
  ASSERT_OK_AND_ASSIGN(v1::Comparison comparison,
                       Compare("macbook-pro-14-m1-pro/mps", "macbook-pro-14-m1-pro/cpu"));
  EXPECT_NEAR(comparison.ratio(), 8.8, 0.05);
  EXPECT_EQ(comparison.basis(), "whole fit / epochs");
  ASSERT_OK_AND_ASSIGN(comparison,
                       Compare("lightly-a6000/cuda:0", "device=macbook-pro-14-m1-pro/mps"));
  EXPECT_NEAR(comparison.ratio(), 13.8, 0.05);
  EXPECT_EQ(comparison.grade(), "caveats");
}

TEST_F(ComparisonTest, MeasuredAgainstPublishedIsAtBestWithCaveats) {
  ASSERT_OK(ImportResults(*store_, kPublishedResults, true, 1));
  Runs("box/cpu", {404, 404, 404});
  ASSERT_OK_AND_ASSIGN(v1::Comparison comparison, Compare("macbook-pro-14-m1-pro/mps", "box/cpu"));
  EXPECT_NEAR(comparison.ratio(), 1, 1e-9);  // the fit of 2 laps of 404 s took 810 s
  EXPECT_EQ(comparison.grade(), "caveats");
  EXPECT_THAT(comparison.differences(),
              ElementsAre(::testing::Property(&v1::FactDifference::fact, "source")));
}

TEST_F(ComparisonTest, WhatDoesNotCountOrHasNoWholeFitIsACaveatAgainstPublishedResults) {
  ASSERT_OK(ImportResults(*store_, kPublishedResults, true, 1));
  links_["box"] = Attach("box");
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = links_["box"]->starts().back().attempt();
  ASSERT_OK(Started("box", attempt));
  for (int number : {1, 2}) ASSERT_OK(EpochDone("box", attempt, number, 404));
  v1::Report end = NewReport(attempt);
  end.mutable_finished()->mutable_trainer()->set_epochs(2);
  ASSERT_OK(Take("box", end));
  v1::Run contaminated;
  contaminated.set_validity(v1::VALIDITY_CONTAMINATED);
  ASSERT_OK(store_->Write(
      [&](storage::Transaction& tx) { return tx.SetRunValidity(attempt.run_id(), contaminated); }));
  ASSERT_OK_AND_ASSIGN(v1::Comparison comparison,
                       Compare("macbook-pro-14-m1-pro/mps", attempt.run_id()));
  std::vector<std::string> facts;
  for (const v1::FactDifference& difference : comparison.differences())
    facts.push_back(difference.fact());
  EXPECT_THAT(facts, ::testing::UnorderedElementsAre("source", "time", "validity"));
}

TEST_F(ComparisonTest, ImportedResultsAreNeverPooledWithMeasuredRuns) {
  constexpr char kSameDevice[] =
      R"({"source":"my table","host":"box","device":"cpu","kind":"cpu","model":"a chip",)"
      R"("workload":"simclr-cifar10","precision":"fp32","epoch_seconds":[100,100]})";
  ASSERT_OK(ImportResults(*store_, kSameDevice, false, 1));
  Runs("fast/cpu", {200, 201});
  ASSERT_OK_AND_ASSIGN(v1::Comparison comparison, Compare("box/cpu", "fast/cpu"));
  EXPECT_EQ(comparison.a().source(), "my table");
  Runs("box/cpu", {400, 402, 398});
  ASSERT_OK_AND_ASSIGN(comparison, Compare("box/cpu", "fast/cpu"));
  EXPECT_EQ(comparison.n_a(), 3);
  EXPECT_EQ(comparison.a().source(), "measured");
}

TEST_F(ComparisonTest, OtherWorkHasNoRatio) {
  const std::string a = Runs("box/cpu", {300, 301});
  const std::string b = Runs("box/cpu", {300, 301}, {{"batch_size", "256"}});
  ASSERT_OK_AND_ASSIGN(v1::Comparison comparison, Compare(a, b));
  EXPECT_EQ(comparison.grade(), "not comparable");
  EXPECT_FALSE(comparison.has_ratio());
  EXPECT_EQ(comparison.verdict(), "");
  ASSERT_GE(comparison.differences_size(), 1);
  EXPECT_TRUE(comparison.differences(0).decisive());
}

TEST_F(ComparisonTest, ExplainsTheDifferenceByPhases) {
  const auto run = [&](const std::string& host, double backward, double forward) {
    links_[host] = Attach(host);
    SubmitTo(host + "/cpu");
    const v1::AttemptRef attempt = links_[host]->starts().back().attempt();
    ASSERT_OK(Started(host, attempt));
    for (int number = 1; number <= 2; ++number) {
      v1::Report report = NewReport(attempt);
      v1::Epoch& epoch = *report.mutable_epoch_finished();
      epoch.set_number(number);
      epoch.set_wall_seconds(backward + forward);
      epoch.mutable_phases()->set_backward(backward);
      epoch.mutable_phases()->set_forward(forward);
      ASSERT_OK(Take(host, report));
    }
    ASSERT_OK(Finished(host, attempt));
  };
  run("box", 10, 10);
  run("slow", 18, 12);
  ASSERT_OK_AND_ASSIGN(v1::Comparison comparison, Compare("box/cpu", "slow/cpu"));
  ASSERT_EQ(comparison.phases_size(), 2);
  EXPECT_EQ(comparison.phases(0).phase(), "backward");
  EXPECT_NEAR(comparison.phases(0).share(), 0.8, 1e-9);
  EXPECT_EQ(comparison.phases(1).b_seconds(), 12);
}

TEST_F(ComparisonTest, ConditionsChooseRuns) {
  Runs("box/cpu", {300, 301});
  const std::string limited = Runs("box/cpu", {30, 31}, {{"max_steps_per_epoch", "20"}});
  Runs("fast/cpu", {150, 151});
  ASSERT_OK_AND_ASSIGN(v1::Comparison comparison,
                       Compare("host=fa*", "device=box/cpu,workload=" + HashOf(limited)));
  EXPECT_EQ(comparison.grade(), "not comparable");
  EXPECT_EQ(comparison.n_b(), 2);
  EXPECT_THAT(Compare("fast/cpu", "box/cpu"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("holds runs of 2 workloads")));
  EXPECT_OK(Compare("host=fast,since=1d", "kind=cpu,workload=" + HashOf(limited)));
  EXPECT_THAT(Compare("host=fast,since=1d", "box/cpu", 2 * kDay),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no run that succeeded matches")));
}

// One condition language for runs and for what was imported.
TEST_F(ComparisonTest, ConditionsOfTheFilterLanguageHoldForBoth) {
  ASSERT_OK(ImportResults(*store_, kPublishedResults, true, 1));
  Runs("box/cpu", {300, 301, 500});
  ASSERT_OK_AND_ASSIGN(
      v1::Comparison comparison,
      Compare("kind=mps, model~m1", "host=box, epoch_seconds<400, batch_size=128"));
  EXPECT_THAT(comparison.a().devices(), ElementsAre("macbook-pro-14-m1-pro/mps"));
  EXPECT_EQ(comparison.n_b(), 2);
  EXPECT_THAT(Compare("epoch_seconds<1", "box/cpu"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no run that succeeded matches")));
}

TEST_F(ComparisonTest, RunsThatDoNotCountAreLeftOutUnlessTheyAreMeant) {
  Runs("box/cpu", {300, 301, 600});
  Runs("fast/cpu", {150, 151});
  std::string slow;
  v1::Run contaminated;
  contaminated.set_validity(v1::VALIDITY_CONTAMINATED);
  ASSERT_OK(store_->Write([&](storage::Transaction& tx) -> absl::Status {
    slow = tx.ListRuns({}, {}).value().runs(2).id();
    return tx.SetRunValidity(slow, contaminated);
  }));
  ASSERT_OK_AND_ASSIGN(v1::Comparison comparison, Compare("box/cpu", "fast/cpu"));
  EXPECT_EQ(comparison.n_a(), 2);
  EXPECT_EQ(comparison.left_out_a(), 1);
  EXPECT_EQ(comparison.left_out_b(), 0);
  EXPECT_EQ(comparison.grade(), "same");
  for (const std::string& meant : {slow, std::string("validity=contaminated")}) {
    ASSERT_OK_AND_ASSIGN(comparison, Compare(meant, "fast/cpu"));
    EXPECT_EQ(comparison.n_a(), 1) << meant;
    EXPECT_EQ(comparison.left_out_a(), 0);
    EXPECT_EQ(comparison.grade(), "caveats");
    EXPECT_THAT(comparison.differences(),
                ::testing::Contains(::testing::Property(&v1::FactDifference::fact, "validity")));
  }
  // Not naming a run is no naming.
  ASSERT_OK_AND_ASSIGN(comparison, Compare("device=box/cpu,run!=last", "fast/cpu"));
  EXPECT_EQ(comparison.left_out_a(), 1);
  EXPECT_THAT(Compare("epoch_seconds>500", "fast/cpu"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no run that counts matches")));
}

TEST_F(ComparisonTest, RefusesWhatItDoesNotUnderstand) {
  const std::string job = Runs("box/cpu", {300, 301});
  const auto refused = [](const std::string& words) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(words));
  };
  EXPECT_THAT(Compare("", job), refused("empty"));
  EXPECT_THAT(Compare("devic=box/cpu", job), refused("did you mean 'device'"));
  EXPECT_THAT(Compare("since=soon", job), refused("since takes"));
  EXPECT_THAT(Compare("device=box/cpu,fast", job), refused("'fast' is no condition"));
  EXPECT_THAT(Compare("host=", job), refused("nothing behind 'host='"));
  EXPECT_THAT(Compare(job, "box/cpu"), refused("is on both sides"));
  EXPECT_THAT(Compare("ffffff", job),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no run and no job")));
}

TEST(GradeTest, FactsThatDifferMakeCaveatsAndOtherWorkDecides) {
  v1::Comparison comparison;
  Grade({{"LibTorch", {"2.11.0"}}, {"loader threads", {"8"}}},
        {{"LibTorch", {"2.12.0"}}, {"loader threads", {"8"}}, {"TF32 in matrices", {"on"}}},
        comparison);
  EXPECT_EQ(comparison.grade(), "caveats");
  ASSERT_EQ(comparison.differences_size(), 1);
  EXPECT_EQ(comparison.differences(0).b(), "2.12.0");
  comparison.Clear();
  Grade({{"data set", {"cifar10@1"}}}, {{"data set", {"cifar10@2"}}}, comparison);
  EXPECT_EQ(comparison.grade(), "not comparable");
  comparison.Clear();
  Grade({{"LibTorch", {"2.11.0"}}}, {{"LibTorch", {"2.11.0"}}}, comparison);
  EXPECT_EQ(comparison.grade(), "same");
  Grade({{"validity", {"contaminated"}}}, {{"validity", {"contaminated"}}}, comparison);
  EXPECT_EQ(comparison.grade(), "caveats");
}

}  // namespace
}  // namespace laptime
