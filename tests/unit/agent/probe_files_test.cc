#include "agent/probe_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::DeviceProbe Probe(const std::string& device) {
  v1::DeviceProbe probe;
  probe.set_device(device);
  probe.mutable_result()->set_seconds(3);
  return probe;
}

TEST(ProbeFilesTest, GivesEachProbeOnceUntilItIsWrittenAnew) {
  const testing::TempDir dir;
  const ProbeFiles writer(dir.path() / "probes");
  ProbeFiles reader(dir.path() / "probes");
  EXPECT_THAT(reader.TakeNew(), IsEmpty());
  ASSERT_OK(writer.Write(Probe("cpu"), "basis"));
  ASSERT_OK(writer.Write(Probe("cuda:0"), ""));
  EXPECT_THAT(reader.TakeNew(), SizeIs(2));
  EXPECT_THAT(reader.TakeNew(), IsEmpty());
  ASSERT_OK(writer.Write(Probe("cpu"), "basis"));
  std::filesystem::last_write_time(
      dir.path() / "probes" / "cpu.json",
      std::filesystem::file_time_type::clock::now() + std::chrono::seconds(1));
  const std::vector<v1::DeviceProbe> again = reader.TakeNew();
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].device(), "cpu");
  EXPECT_EQ(again[0].result().seconds(), 3);
  reader.Forget();
  EXPECT_THAT(reader.TakeNew(), SizeIs(2));
}

TEST(ProbeFilesTest, KeepsWhatAProbeDependsOn) {
  const testing::TempDir dir;
  const ProbeFiles files(dir.path() / "probes");
  EXPECT_EQ(files.Basis("cpu"), "");
  ASSERT_OK(files.Write(Probe("cpu"), "kernel 6.1"));
  EXPECT_EQ(files.Basis("cpu"), "kernel 6.1");
  EXPECT_EQ(files.Basis("mps"), "");
}

TEST(ProbeFilesTest, LeavesOutWhatIsNone) {
  const testing::TempDir dir;
  std::ofstream(dir.File("cpu.json")) << "{";
  std::ofstream(dir.File("notes.txt")) << "{}";
  ProbeFiles reader(dir.path());
  EXPECT_THAT(reader.TakeNew(), IsEmpty());
}

TEST(ProbeFilesTest, SaysThatTheDirectoryCannotBeMade) {
  const testing::TempDir dir;
  std::ofstream(dir.File("probes")) << "";
  EXPECT_THAT(ProbeFiles(dir.path() / "probes").Write(Probe("cpu"), "basis"),
              testing::StatusIs(absl::StatusCode::kFailedPrecondition,
                                ::testing::HasSubstr("cannot make")));
}

}  // namespace
}  // namespace laptime::agent
