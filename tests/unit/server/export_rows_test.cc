#include "server/export_rows.h"

#include <set>

#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

class RowExportTest : public testing::CoordinatorFixture {
 protected:
  // Jobs of one run each on box/cpu, of two laps.
  void Runs(int count) {
    link_ = Attach("box");
    v1::SubmitJobRequest request;
    request.add_selectors("box/cpu");
    request.set_repeats(count);
    Submit(request);
    for (int i = 0; i < count; ++i) Complete("box", *link_);
  }

  void AddSamples(int count) {
    ASSERT_OK(store_->Write([&](storage::Transaction& tx) -> absl::Status {
      v1::SampleBatch batch;
      v1::SampleSeries& series = *batch.add_series();
      series.mutable_sensor()->set_name("power");
      for (int i = 1; i <= count; ++i) {
        series.add_times_ms(i);
        series.add_values(i);
      }
      return tx.InsertSamples(link_->starts().back().attempt(), batch);
    }));
  }

  // All pages, each in a transaction of its own.
  std::vector<v1::ExportRowsResponse> Pages(v1::ExportKind kind, const std::string& filter = "") {
    storage::RunFilter runs;
    runs.where = storage::RunConditions::Parse(filter, UnixMs(clock_.WallNow())).value();
    RowExport rows(kind, runs);
    std::vector<v1::ExportRowsResponse> pages;
    while (!rows.done()) {
      EXPECT_OK(store_->Read(
          [&](const storage::Reader& reader) { return rows.Next(reader, pages.emplace_back()); }));
    }
    return pages;
  }

  std::shared_ptr<testing::FakeLink> link_;
};

TEST_F(RowExportTest, EachRunComesOnceOldestFirst) {
  Runs(5);
  std::vector<int> repetitions;
  for (const auto& page : Pages(v1::EXPORT_KIND_RUNS)) {
    for (const v1::Run& run : page.runs()) repetitions.push_back(run.repetition());
    EXPECT_EQ(page.epochs_size() + page.samples_size(), 0);
  }
  EXPECT_THAT(repetitions, ::testing::ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(RowExportTest, LapsComeWithTheirRun) {
  Runs(3);
  std::vector<int> numbers;
  std::set<std::string> runs;
  for (const auto& page : Pages(v1::EXPORT_KIND_EPOCHS, "repetition>1")) {
    for (const v1::EpochRow& row : page.epochs()) {
      numbers.push_back(row.epoch().number());
      runs.insert(row.run_id());
      EXPECT_EQ(row.device(), "box/cpu");
      EXPECT_EQ(row.workload(), "simclr-cifar10");
    }
  }
  EXPECT_THAT(numbers, ::testing::ElementsAre(1, 2, 1, 2));
  EXPECT_EQ(runs.size(), 2);
}

// One run's readings are spread over pages without a gap or a repetition.
TEST_F(RowExportTest, PagesAreBoundedAndWhole) {
  Runs(2);
  constexpr int kSamples = 2 * kExportRows + 7;
  AddSamples(kSamples);
  int next = 1;
  for (const auto& page : Pages(v1::EXPORT_KIND_SAMPLES)) {
    EXPECT_LE(page.samples_size(), kExportRows);
    for (const v1::SampleRow& row : page.samples()) EXPECT_EQ(row.time_ms(), next++);
  }
  EXPECT_EQ(next, kSamples + 1);
}

TEST_F(RowExportTest, ExactlyAPageEnds) {
  Runs(1);
  AddSamples(kExportRows);
  int count = 0;
  for (const auto& page : Pages(v1::EXPORT_KIND_SAMPLES)) count += page.samples_size();
  EXPECT_EQ(count, kExportRows);
}

// A message has a size that every client takes, however long the failures are.
TEST_F(RowExportTest, LongFailuresMakeShortPages) {
  Runs(4);
  v1::Failure failure;
  failure.set_cause(v1::FAILURE_CAUSE_WORKLOAD);
  failure.set_message(std::string(kExportBytes * 2 / 3, 'x'));
  ASSERT_OK(store_->Write([&](storage::Transaction& tx) -> absl::Status {
    const v1::ListRunsResponse runs = tx.ListRuns({}, {}).value();
    for (const v1::Run& run : runs.runs()) {
      if (absl::Status status = tx.SetRunFailure(run.id(), failure); !status.ok()) return status;
    }
    return absl::OkStatus();
  }));
  int runs = 0;
  for (const auto& page : Pages(v1::EXPORT_KIND_RUNS)) {
    EXPECT_LE(page.runs_size(), 2);
    runs += page.runs_size();
  }
  EXPECT_EQ(runs, 4);
}

TEST_F(RowExportTest, NothingMatches) {
  Runs(1);
  for (const auto& page : Pages(v1::EXPORT_KIND_EPOCHS, "seed=99"))
    EXPECT_EQ(page.ByteSizeLong(), 0);
}

}  // namespace
}  // namespace laptime
