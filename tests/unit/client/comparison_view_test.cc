#include "client/comparison_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace laptime::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

v1::Comparison Compared() {
  v1::Comparison comparison;
  comparison.set_grade("same");
  comparison.set_basis("median lap of each run");
  comparison.set_n_a(3);
  comparison.set_n_b(3);
  comparison.mutable_a()->set_mean_seconds(200);
  comparison.mutable_a()->add_devices("box/1t");
  comparison.mutable_a()->set_workload("simclr-cifar10");
  comparison.mutable_a()->set_source("measured");
  comparison.mutable_b()->set_mean_seconds(110);
  comparison.mutable_b()->add_devices("box/2t");
  comparison.mutable_b()->set_source("published: somebody");
  comparison.set_factor_percent(2);
  comparison.set_ratio(0.55);
  comparison.set_low(0.53);
  comparison.set_high(0.57);
  comparison.set_verdict("different");
  return comparison;
}

TEST(ComparisonViewTest, SaysItInASentence) {
  const std::string text = ComparisonText(Compared(), false);
  EXPECT_THAT(text, StartsWith("B takes 0.5500× the time of A (95 % interval 0.5300× to 0.5700×): "
                               "different\n"));
  EXPECT_THAT(text, HasSubstr("3m20 over 3 runs on box/1t, simclr-cifar10"));
  EXPECT_THAT(text, HasSubstr("published: somebody"));
  EXPECT_THAT(text, Not(HasSubstr("undecided")));
}

TEST(ComparisonViewTest, AnUndecidedOneSaysWhatWouldDecide) {
  v1::Comparison comparison = Compared();
  comparison.set_verdict("inconclusive");
  comparison.set_runs_needed(7);
  EXPECT_THAT(ComparisonText(comparison, false), HasSubstr("7 runs on each side would decide it"));
  comparison.clear_runs_needed();
  comparison.clear_low();
  comparison.clear_high();
  comparison.set_n_b(1);
  const std::string text = ComparisonText(comparison, false);
  EXPECT_THAT(text, StartsWith("B takes 0.5500× the time of A: inconclusive"));
  EXPECT_THAT(text, HasSubstr("two runs on each side are the least"));
}

TEST(ComparisonViewTest, OtherWorkHasNoRatioAndIsNamed) {
  v1::Comparison comparison = Compared();
  comparison.clear_ratio();
  comparison.set_grade("not comparable");
  v1::FactDifference& difference = *comparison.add_differences();
  difference.set_fact("workload");
  difference.set_a("simclr-cifar10 1a2b");
  difference.set_b("simclr-cifar10 3c4d");
  const std::string text = ComparisonText(comparison, false);
  EXPECT_THAT(text, StartsWith("not comparable"));
  EXPECT_THAT(text, HasSubstr("simclr-cifar10 1a2b | simclr-cifar10 3c4d"));
  EXPECT_THAT(text, Not(HasSubstr("×")));
}

TEST(ComparisonViewTest, ShowsThePhasesThatMatter) {
  v1::Comparison comparison = Compared();
  for (const auto& [name, share] : {std::pair("backward", 0.8), std::pair("loss", 0.001)}) {
    v1::PhaseDifference& phase = *comparison.add_phases();
    phase.set_phase(name);
    phase.set_a_seconds(100);
    phase.set_b_seconds(28);
    phase.set_share(share);
  }
  const std::string text = ComparisonText(comparison, false);
  EXPECT_THAT(text, HasSubstr("backward"));
  EXPECT_THAT(text, HasSubstr("80 %"));
  EXPECT_THAT(text, Not(HasSubstr("loss")));
}

}  // namespace
}  // namespace laptime::client
