#include "client/matrix_view.h"

#include <gmock/gmock.h>

#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kNow = 1763925005123;  // 2025-11-23
constexpr int64_t kDay = 24LL * 3600 * 1000;

std::string Text(const std::string& cell) { return CellText(FromText<v1::MatrixCell>(cell), kNow); }

std::string Newest(int64_t ago) { return " newest_unix_ms: " + std::to_string(kNow - ago); }

TEST(CellTextTest, SaysItInWords) {
  EXPECT_EQ(Text(R"(state: "fresh" runs: 3 present: true)"), "fresh 3");
  EXPECT_EQ(Text(R"(state: "stale" runs: 4 runs_missing: 3 present: true)" + Newest(41 * kDay)),
            "stale 4 (41d)");
  EXPECT_EQ(Text(R"(state: "stale" runs: 3 present: true)" + Newest(kDay / 4)), "stale 3 (6h)");
  EXPECT_EQ(Text(R"(state: "missing" runs: 1 runs_missing: 2 present: true)"), "missing 1/3");
  EXPECT_EQ(Text(R"(state: "missing" runs_missing: 1 runs_coming: 2 present: true)"),
            "missing 0/3, 2 running");
  EXPECT_EQ(Text(R"(state: "missing" runs: 1)"), "missing 1");  // of a LibTorch of the past
  EXPECT_EQ(Text(R"(state: "invalid" runs: 3 runs_missing: 3 present: true)"), "invalid");
}

v1::GetMatrixResponse Matrix() {
  return FromText<v1::GetMatrixResponse>(
      R"(cells { device: "box/a" workload: "w" libtorch: "2.11.0" state: "fresh" runs: 3 present: true
                 median_epoch_seconds: 12.5 workload_hash: "0123456789" }
         cells { device: "box/a" workload: "w" libtorch: "2.10.0" state: "missing" runs: 1 }
         cells { device: "box/b" workload: "w" state: "missing" runs_missing: 3 present: true }
         cells { device: "box/a" workload: "v" libtorch: "2.11.0" state: "invalid" runs_missing: 3 present: true
                 reason: "the newest run failed: no\x1b data" }
         cells { device: "box/b" workload: "v" state: "missing" runs_missing: 3 present: true })");
}

TEST(MatrixPageTest, HasDevicesDownAndWorkloadsAcross) {
  EXPECT_EQ(MatrixPage(Matrix(), kNow, false, false),
            "DEVICE  LIBTORCH  w            v\n"
            "box/a   2.11.0    fresh 3      invalid\n"
            "box/b   —         missing 0/3  missing 0/3\n"
            "\n"
            "box/a v: the newest run failed: no? data\n");
}

// As from a coordinator of another version.
TEST(MatrixPageTest, ACellThatNobodyToldIsEmpty) {
  const auto matrix = FromText<v1::GetMatrixResponse>(
      R"(cells { device: "box/a" workload: "w" state: "missing" runs: 1 }
         cells { device: "box/b" workload: "v" libtorch: "2.11.0" state: "fresh" runs: 3 present: true })");
  EXPECT_EQ(MatrixPage(matrix, kNow, false, false),
            "DEVICE  LIBTORCH  w  v\n"
            "box/a   —         —  —\n"
            "box/b   2.11.0    —  fresh 3\n");
}

TEST(MatrixPageTest, WideListsCells) {
  const std::string page = MatrixPage(Matrix(), kNow, true, false);
  EXPECT_THAT(page, HasSubstr("2.10.0"));
  EXPECT_THAT(page, HasSubstr("missing 1"));
  EXPECT_THAT(page, HasSubstr("01234567"));
}

TEST(MatrixPageTest, NothingIsAHeader) {
  EXPECT_THAT(MatrixPage({}, kNow, false, false), HasSubstr("DEVICE"));
}

TEST(MatrixGridTest, CsvHasTheStateAlone) {
  const std::string csv = RenderCsv(MatrixGrid(Matrix(), kNow));
  EXPECT_THAT(csv, HasSubstr("box/a,w,2.11.0,fresh,3,0,0,12.5,"));
}

}  // namespace
}  // namespace laptime::client
