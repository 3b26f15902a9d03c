#include "server/matrix.h"

#include "proto/support/status.h"
#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::StatusIs;

constexpr int64_t kDayMs = 24LL * 3600 * 1000;
constexpr char kPreset[] = "simclr-cifar10";

class MatrixTest : public testing::CoordinatorFixture {
 protected:
  absl::StatusOr<v1::GetMatrixResponse> Ask(const v1::GetMatrixRequest& request,
                                            int64_t later_ms = 0) {
    absl::StatusOr<v1::GetMatrixResponse> matrix;
    absl::Status status = store_->Read([&](const storage::Reader& reader) -> absl::Status {
      auto devices = desk_->Devices(reader);
      if (!devices.ok()) return devices.status();
      matrix = BuildMatrix(reader, request, *devices, UnixMs(clock_.WallNow()) + later_ms);
      return matrix.status();
    });
    return status.ok() ? matrix : status;
  }

  // The only cell.
  v1::MatrixCell Cell(int64_t later_ms = 0) {
    v1::GetMatrixRequest request;
    request.add_workloads(kPreset);
    const auto matrix = Ask(request, later_ms);
    EXPECT_OK(matrix);
    if (!matrix.ok()) return {};
    EXPECT_EQ(matrix->cells_size(), 1);
    return matrix->cells(0);
  }

  // The next run of the link, which says what it runs on.
  v1::AttemptRef Start(testing::FakeLink& link, const std::string& libtorch) {
    const v1::AttemptRef attempt = link.starts().back().attempt();
    v1::Report report = NewReport(attempt);
    report.mutable_started()->set_snapshot_json(R"({"trainer":{"versions":{"libtorch":")" +
                                                libtorch + R"("}}})");
    report.mutable_started()->set_started_unix_ms(UnixMs(clock_.WallNow()));
    EXPECT_OK(Take("box", report));
    return attempt;
  }

  std::string Succeed(testing::FakeLink& link, const std::string& libtorch = "2.11.0",
                      double seconds = 10) {
    const v1::AttemptRef attempt = Start(link, libtorch);
    EXPECT_OK(EpochDone("box", attempt, 1, seconds));
    EXPECT_OK(EpochDone("box", attempt, 2, seconds));
    EXPECT_OK(Finished("box", attempt));
    return attempt.run_id();
  }

  void Fail(testing::FakeLink& link) {
    const v1::AttemptRef attempt = Start(link, "2.11.0");
    EXPECT_OK(Failed("box", attempt, v1::FAILURE_CAUSE_WORKLOAD));
  }

  void SetValidity(const std::string& run, v1::Validity validity, const std::string& reason) {
    EXPECT_OK(coordinator_->Decide([&](storage::Transaction& tx, RunLifecycle&, Outbox&) {
      v1::Run judged;
      judged.set_validity(validity);
      judged.add_validity_reasons(reason);
      return tx.SetRunValidity(run, judged);
    }));
  }
};

TEST_F(MatrixTest, ADeviceThatHasDoneNothingLacksAll) {
  Attach("box");
  const v1::MatrixCell cell = Cell();
  EXPECT_EQ(cell.device(), "box/cpu");
  EXPECT_EQ(cell.workload(), kPreset);
  EXPECT_EQ(cell.state(), "missing");
  EXPECT_EQ(cell.libtorch(), "");
  EXPECT_TRUE(cell.present());
  EXPECT_EQ(cell.runs(), 0);
  EXPECT_EQ(cell.runs_missing(), 3);
  EXPECT_FALSE(cell.has_newest_unix_ms());
}

TEST_F(MatrixTest, ThreeRunsAreFreshForThirtyDays) {
  auto link = Attach("box");
  SubmitTo("box/cpu", 3);
  for (const double seconds : {10, 12, 11}) Succeed(*link, "2.11.0", seconds);
  v1::MatrixCell cell = Cell(30 * kDayMs);
  EXPECT_EQ(cell.state(), "fresh");
  EXPECT_EQ(cell.libtorch(), "2.11.0");
  EXPECT_EQ(cell.runs(), 3);
  EXPECT_EQ(cell.runs_missing(), 0);
  EXPECT_EQ(cell.median_epoch_seconds(), 11);
  EXPECT_EQ(cell.reason(), "");
  cell = Cell(30 * kDayMs + 1);
  EXPECT_EQ(cell.state(), "stale");
  EXPECT_EQ(cell.runs(), 3);
  EXPECT_EQ(cell.runs_missing(), 3);
  EXPECT_THAT(cell.reason(), HasSubstr("30 days"));
}

TEST_F(MatrixTest, SaysHowOldIsStale) {
  auto link = Attach("box");
  SubmitTo("box/cpu", 3);
  for (int i = 0; i < 3; ++i) Succeed(*link);
  for (const auto& [seconds, span] :
       {std::pair(12 * 3600, "older than 12 hours"), std::pair(24 * 3600, "older than 1 day"),
        std::pair(36 * 3600, "older than 36 hours"), std::pair(90, "older than 90 seconds")}) {
    v1::GetMatrixRequest request;
    request.add_workloads(kPreset);
    request.set_fresh_seconds(seconds);
    ASSERT_OK_AND_ASSIGN(const v1::GetMatrixResponse matrix, Ask(request, 2 * kDayMs));
    EXPECT_THAT(matrix.cells(0).reason(), EndsWith(span));
  }
}

TEST_F(MatrixTest, CountsWhatIsOnItsWay) {
  auto link = Attach("box");
  SubmitTo("box/cpu", 2);
  Succeed(*link);
  v1::MatrixCell cell = Cell();
  EXPECT_EQ(cell.state(), "missing");
  EXPECT_EQ(cell.runs(), 1);
  EXPECT_EQ(cell.runs_coming(), 1);
  EXPECT_EQ(cell.runs_missing(), 1);
  EXPECT_EQ(cell.reason(), "1 of 3 runs that count");
  SubmitTo("box/cpu", 5);
  cell = Cell();
  EXPECT_EQ(cell.runs_coming(), 6);
  EXPECT_EQ(cell.runs_missing(), 0);
}

TEST_F(MatrixTest, ContaminatedRunsDoNotCount) {
  auto link = Attach("box");
  SubmitTo("box/cpu", 3);
  SetValidity(Succeed(*link), v1::VALIDITY_CONTAMINATED, "foreign load");
  SetValidity(Succeed(*link), v1::VALIDITY_SUSPECT, "steal");
  SetValidity(Succeed(*link), v1::VALIDITY_CONTAMINATED, "foreign load");
  const v1::MatrixCell cell = Cell();
  EXPECT_EQ(cell.state(), "missing");
  EXPECT_EQ(cell.runs(), 1);
  EXPECT_EQ(cell.reason(), "1 of 3 runs that count, 2 contaminated");
}

TEST_F(MatrixTest, TwoBadRunsInARowMakeACellInvalid) {
  auto link = Attach("box");
  SubmitTo("box/cpu", 6);
  for (int i = 0; i < 3; ++i) Succeed(*link);
  Fail(*link);
  EXPECT_EQ(Cell().state(), "fresh");
  Fail(*link);
  v1::MatrixCell cell = Cell();
  EXPECT_EQ(cell.state(), "invalid");
  EXPECT_EQ(cell.reason(), "the newest run failed: it broke");
  EXPECT_EQ(cell.runs(), 3);
  EXPECT_EQ(cell.runs_missing(), 2);  // three anew, of which one is on its way
  Succeed(*link);
  EXPECT_EQ(Cell().state(), "fresh");
}

TEST_F(MatrixTest, AnOnlyRunThatIsInvalidSaysSo) {
  auto link = Attach("box");
  SubmitTo("box/cpu", 1);
  SetValidity(Succeed(*link), v1::VALIDITY_INVALID, "learning gate failed");
  const v1::MatrixCell cell = Cell();
  EXPECT_EQ(cell.state(), "invalid");
  EXPECT_EQ(cell.reason(), "the newest run is invalid: learning gate failed");
  EXPECT_EQ(cell.runs_missing(), 3);
}

TEST_F(MatrixTest, CancelledRunsSayNothing) {
  auto link = Attach("box");
  ASSERT_OK(desk_->Cancel(SubmitTo("box/cpu", 2).job().id()));
  EXPECT_EQ(Cell().state(), "missing");
  EXPECT_EQ(Cell().runs_missing(), 3);
}

TEST_F(MatrixTest, AnotherLibTorchIsAnotherCell) {
  auto link = Attach("box");
  SubmitTo("box/cpu", 4);
  for (int i = 0; i < 3; ++i) Succeed(*link, "2.11.0");
  clock_.Advance(std::chrono::seconds(1));
  Succeed(*link, "2.12.0");
  v1::GetMatrixRequest request;
  request.add_workloads(kPreset);
  ASSERT_OK_AND_ASSIGN(const v1::GetMatrixResponse matrix, Ask(request));
  ASSERT_EQ(matrix.cells_size(), 2);
  EXPECT_EQ(matrix.cells(0).libtorch(), "2.12.0");
  EXPECT_TRUE(matrix.cells(0).present());
  EXPECT_EQ(matrix.cells(0).runs_missing(), 2);
  EXPECT_EQ(matrix.cells(1).libtorch(), "2.11.0");
  EXPECT_FALSE(matrix.cells(1).present());
  EXPECT_EQ(matrix.cells(1).state(), "fresh");
  EXPECT_EQ(matrix.cells(1).runs_missing(), 0);
}

TEST_F(MatrixTest, ChoosesDevicesAndWorkloads) {
  auto link = Attach("box", {"cpu", "cpu-1t"});
  const auto shown = [&](const v1::GetMatrixRequest& request) {
    std::vector<std::string> cells;
    const auto matrix = Ask(request);
    EXPECT_OK(matrix);
    if (!matrix.ok()) return cells;
    for (const v1::MatrixCell& cell : matrix->cells())
      cells.push_back(cell.device() + " " + cell.workload());
    return cells;
  };
  v1::GetMatrixRequest request;
  EXPECT_THAT(shown(request), ElementsAre("box/cpu simclr-cifar10", "box/cpu-1t simclr-cifar10"));
  v1::SubmitJobRequest synthetic;
  synthetic.set_workload("simclr-synthetic-cifar10");
  synthetic.add_selectors("box/cpu");
  Submit(synthetic);
  request.add_devices("box/cpu");
  EXPECT_THAT(shown(request),
              ElementsAre("box/cpu simclr-cifar10", "box/cpu simclr-synthetic-cifar10"));
  // The same work, whatever the number of epochs: one column.
  v1::SubmitJobRequest longer;
  longer.set_workload("simclr-cifar10-200ep");
  longer.add_selectors("box/cpu");
  Submit(longer);
  EXPECT_EQ(shown(request).size(), 2u);
  // Asked for by name too, and the first name stands for both: what is missing is missing once.
  request.add_workloads("simclr-cifar10-200ep");
  request.add_workloads("simclr-cifar10");
  ASSERT_OK_AND_ASSIGN(const v1::GetMatrixResponse both, Ask(request));
  ASSERT_EQ(both.cells_size(), 1);
  EXPECT_EQ(both.cells(0).workload(), "simclr-cifar10-200ep");
  EXPECT_EQ(both.cells(0).runs_coming(), 1);
  EXPECT_EQ(both.cells(0).runs_missing(), 2);
  request.clear_workloads();
  request.add_workloads("simclr-cifar10-quick");
  EXPECT_THAT(shown(request), ElementsAre("box/cpu simclr-cifar10-quick"));
}

TEST_F(MatrixTest, SettingsMakeOtherWork) {
  auto link = Attach("box");
  v1::SubmitJobRequest small;
  small.add_selectors("box/cpu");
  (*small.mutable_settings())["max_steps_per_epoch"] = "2";
  Submit(small);
  EXPECT_EQ(Cell().runs_coming(), 0);
  v1::GetMatrixRequest request;
  request.add_workloads(kPreset);
  (*request.mutable_settings())["max_steps_per_epoch"] = "2";
  ASSERT_OK_AND_ASSIGN(const v1::GetMatrixResponse matrix, Ask(request));
  EXPECT_EQ(matrix.cells(0).runs_coming(), 1);
}

TEST_F(MatrixTest, RefusesWhatItDoesNotUnderstand) {
  Attach("box");
  v1::GetMatrixRequest request;
  request.add_workloads("simclr-cifar1");
  EXPECT_THAT(Ask(request), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("unknown workload 'simclr-cifar1'")));
  request.Clear();
  (*request.mutable_settings())["batchsize"] = "1";
  EXPECT_THAT(Ask(request), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("batchsize")));
  request.Clear();
  request.add_devices("box/gpu");
  EXPECT_THAT(Ask(request), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("box/gpu")));
  for (const int runs : {-1, kMaxRepeats + 1}) {
    request.Clear();
    request.set_runs_wanted(runs);
    EXPECT_THAT(Ask(request), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("runs: ")));
  }
  for (const int64_t seconds : {int64_t{-1}, kMostFreshSeconds + 1}) {
    request.Clear();
    request.set_fresh_seconds(seconds);
    EXPECT_THAT(Ask(request), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("fresh: ")));
  }
}

TEST_F(MatrixTest, IsEmptyWithoutDevices) {
  ASSERT_OK_AND_ASSIGN(const v1::GetMatrixResponse matrix, Ask({}));
  EXPECT_EQ(matrix.cells_size(), 0);
}

}  // namespace
}  // namespace laptime
