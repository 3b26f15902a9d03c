#include "client/table_view.h"

#include <gmock/gmock.h>

#include "client/text.h"
#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::GetTableResponse Example() {
  return FromText<v1::GetTableResponse>(R"pb(
    workload: "simclr-cifar10"
    baseline: "lightly-a6000/cuda:0"
    rows {
      device: "lightly-a6000/cuda:0"
      kind: DEVICE_KIND_CUDA
      model: "NVIDIA RTX A6000"
      fit_seconds_per_epoch: 29.31
      ratio: 1
      knn_accuracy: 0.847
      marks: "published"
      source: "published: lightly"
    }
    rows {
      device: "macbook-pro-14-m1-pro/mps"
      kind: DEVICE_KIND_MPS
      model: "Apple M1 Pro, 14-core GPU (MacBook Pro 14-inch, 2021)"
      fit_seconds_per_epoch: 405
      ratio: 13.817
      marks: "published"
    }
    rows {
      device: "box/cpu"
      kind: DEVICE_KIND_CPU
      model: "Xeon"
      epoch_seconds: 1200
      knn_accuracy: 0.25
      utilization_percent: 98
      runs: 2
      source: "measured"
      marks: "estimated"
      marks: "partial"
    })pb");
}

TEST(ComparisonPageTest, Golden) {
  EXPECT_EQ(ComparisonPage(Example(), /*best=*/false, false, false),
            R"(simclr-cifar10: minutes per epoch, the median lap of each run, median over runs
ratio: time of the row / time of lightly-a6000/cuda:0 (the baseline)

DEVICE                     MODEL             MIN/EPOCH  RUNS  RATIO    KNN  UTIL  MARKS
lightly-a6000/cuda:0       NVIDIA RTX A6000      0.488     —  1.00×  0.847     —  published
macbook-pro-14-m1-pro/mps  Apple M1 Pro, 1…       6.75     —  13.8×      —     —  published
box/cpu                    Xeon                   20.0     2      —  0.250  98 %  estimated, partial

published  stated by its source, not measured here; it and ratios to it are whole fit time / epochs
estimated  extrapolated from the steps that were timed, so it claims no ratio
partial    fewer images or steps than the full data set, so it claims no ratio
)");
}

TEST(ComparisonPageTest, FitsIntoAHundredColumns) {
  const std::string page = ComparisonPage(Example(), /*best=*/false, false, false);
  for (size_t at = 0, end = 0; at < page.size(); at = end + 1) {
    end = page.find('\n', at);
    EXPECT_LE(DisplayWidth(page.substr(at, end - at)), 100);
  }
}

TEST(ComparisonPageTest, MarksAreShortWhereTheyDoNotFit) {
  v1::GetTableResponse table = Example();
  table.mutable_rows(2)->add_marks("synthetic");
  const std::string page = ComparisonPage(table, /*best=*/false, false, false);
  EXPECT_THAT(page, HasSubstr("98 %  est, part, syn\n"));
  EXPECT_THAT(page, HasSubstr("\nsyn        synthetic: trained on generated images"));
  EXPECT_THAT(page, HasSubstr("  published\n"));
  EXPECT_THAT(ComparisonPage(table, /*best=*/false, true, false),
              HasSubstr("estimated, partial, synthetic"));
}

TEST(ComparisonPageTest, WideShowsWholeNames) {
  EXPECT_THAT(ComparisonPage(Example(), /*best=*/false, true, false),
              HasSubstr("14-core GPU (MacBook Pro 14-inch, 2021)"));
}

TEST(ComparisonPageTest, UnmarkedRowNamesItsSource) {
  v1::GetTableResponse table = Example();
  table.mutable_rows(2)->clear_marks();
  EXPECT_THAT(ComparisonPage(table, /*best=*/false, false, false), HasSubstr("98 %  measured\n"));
  EXPECT_THAT(ComparisonPage(table, /*best=*/false, false, false), Not(HasSubstr("\nestimated")));
}

TEST(ComparisonPageTest, WithoutABaselineSaysSo) {
  v1::GetTableResponse table = Example();
  table.clear_baseline();
  EXPECT_THAT(ComparisonPage(table, /*best=*/false, false, false),
              HasSubstr("no row can be a baseline"));
}

TEST(ComparisonGridTest, CsvHasSecondsAndMarks) {
  EXPECT_THAT(RenderCsv(ComparisonGrid(Example(), /*best=*/false)),
              HasSubstr("\nbox/cpu,Xeon,1200,,2,,0.25,98,,,\"estimated, partial\",cpu,"));
}

}  // namespace
}  // namespace laptime::client
