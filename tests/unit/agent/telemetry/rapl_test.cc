#include "agent/telemetry/rapl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/file_tree.h"

#ifdef __linux__

namespace laptime::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

class RaplTest : public ::testing::Test {
 protected:
  void Domain(const std::string& dir, const std::string& name, int64_t microjoules) {
    const std::string path = "sys/class/powercap/" + dir + "/";
    tree_.Write(path + "name", name + "\n");
    tree_.Write(path + "max_energy_range_uj", "1000000000\n");
    tree_.Write(path + "energy_uj", std::to_string(microjoules) + "\n");
  }
  Rapl Open(bool of_device = true) {
    return Rapl(tree_.root(), of_device, [this] { return now_; });
  }
  static std::optional<double> Joules(Rapl& rapl) {
    Moment moment;
    rapl.Observe(moment);
    return moment.joules;
  }

  testing::FileTree tree_;
  double now_ = 50;
};

TEST_F(RaplTest, AddsUpThePackagesAndNothingThatTheyHold) {
  Domain("intel-rapl:0", "package-0", 5000000);
  Domain("intel-rapl:0:0", "core", 1);
  Domain("intel-rapl:1", "package-1", 7000000);
  Domain("intel-rapl:2", "psys", 1);
  Domain("intel-rapl-mmio:0", "package-0", 1);
  Rapl rapl = Open();
  ASSERT_EQ(rapl.sensors().size(), 1);
  EXPECT_EQ(rapl.sensors()[0].name(), "package_power");
  Domain("intel-rapl:0", "package-0", 35000000);
  Domain("intel-rapl:1", "package-1", 17000000);
  Domain("intel-rapl:0:0", "core", 20000000);
  Domain("intel-rapl:2", "psys", 90000000);
  EXPECT_THAT(Joules(rapl), Optional(40.0));
  now_ += 2;
  EXPECT_THAT(rapl.Read(), ElementsAre(Optional(20.0)));
  now_ += 1;
  EXPECT_THAT(rapl.Read(), ElementsAre(Optional(0.0)));
}

TEST_F(RaplTest, GoesOnWhenACounterWrapsAround) {
  Domain("intel-rapl:0", "package-0", 999000000);
  Rapl rapl = Open();
  Domain("intel-rapl:0", "package-0", 4000000);
  EXPECT_THAT(Joules(rapl), Optional(5.0));
  Domain("intel-rapl:0", "package-0", 6000000);
  EXPECT_THAT(Joules(rapl), Optional(7.0));
}

TEST_F(RaplTest, TheCpusEnergyIsNotThatOfAnotherDevice) {
  Domain("intel-rapl:0", "package-0", 1);
  Rapl rapl = Open(/*of_device=*/false);
  EXPECT_EQ(rapl.sensors().size(), 1);
  EXPECT_EQ(Joules(rapl), std::nullopt);
}

TEST_F(RaplTest, PartOfThePackagesIsNothing) {
  EXPECT_THAT(Open().sensors(), IsEmpty());
  Domain("intel-rapl:0", "package-0", 1);
  Domain("intel-rapl:1", "package-1", 1);
  tree_.Remove("sys/class/powercap/intel-rapl:1/energy_uj");
  Rapl part = Open();
  EXPECT_THAT(part.sensors(), IsEmpty());
  EXPECT_EQ(Joules(part), std::nullopt);
  // One that can no longer be read leaves a hole, and what was used meanwhile counts after it.
  Domain("intel-rapl:1", "package-1", 1);
  Rapl rapl = Open();
  Domain("intel-rapl:0", "package-0", 3000001);
  tree_.Remove("sys/class/powercap/intel-rapl:1/energy_uj");
  EXPECT_EQ(Joules(rapl), std::nullopt);
  now_ += 1;
  EXPECT_THAT(rapl.Read(), ElementsAre(std::nullopt));
  Domain("intel-rapl:1", "package-1", 2000001);
  EXPECT_THAT(Joules(rapl), Optional(5.0));
  // The next power is that of both periods.
  now_ += 1;
  EXPECT_THAT(rapl.Read(), ElementsAre(Optional(2.5)));
}

}  // namespace
}  // namespace laptime::agent

#endif
