// The channels are written after listings that others published of M1, M2 Ultra and M4; nobody here
// has recorded one.
#include "agent/telemetry/io_report_channels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace laptime::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

// One channel a line: group|subgroup|name|unit|value, or …|states|NAME=time,NAME=time.
std::vector<IoReportChannel> Parse(const std::string& text) {
  std::vector<IoReportChannel> channels;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    IoReportChannel channel;
    std::string rest;
    std::getline(in, channel.group, '|');
    std::getline(in, channel.subgroup, '|');
    std::getline(in, channel.name, '|');
    std::getline(in, channel.unit, '|');
    std::getline(in, rest);
    if (channel.unit == "states") {
      std::istringstream states(rest);
      for (std::string state; std::getline(states, state, ',');) {
        const size_t at = state.find('=');
        channel.states.emplace_back(state.substr(0, at), std::stoll(state.substr(at + 1)));
      }
    } else {
      channel.value = std::stoll(rest);
    }
    channels.push_back(channel);
  }
  return channels;
}

constexpr char kM1[] =
    "Energy Model||EACC_CPU0|mJ|4\n"
    "Energy Model||CPU Energy|mJ|5230\n"
    "Energy Model||GPU Energy|nJ|11250000000\n"
    "Energy Model||ANE|mJ|0\n"
    "GPU Stats|GPU Performance States|GPUPH|states|OFF=250,P1=250,P2=0,P3=500\n"
    "GPU Stats|Temperature|Average Sum|C|71\n"
    "CPU Stats|CPU Core Performance States|ECPU0|states|DOWN=0,IDLE=1,V0P1=900\n"
    "CPU Stats|CPU Core Performance States|PCPU0|states|DOWN=100,IDLE=0,V0P2=0,V1P1=300,V2P0=0\n"
    "CPU Stats|CPU Core Performance States|PCPU1|states|DOWN=0,IDLE=0,V0P2=0,V1P1=0,V2P0=100\n"
    "CPU Stats|CPU Complex Performance States|PCPU|states|IDLE=9,V0P0=9\n";

TEST(IoReportChannelsTest, ReadsEnergyActivityAndClocks) {
  const IoReportReading reading = ReadChannels(Parse(kM1), {{600, 2000, 3200}, {400, 900, 1300}});
  EXPECT_THAT(reading.cpu_joules, Optional(5.23));
  EXPECT_THAT(reading.gpu_joules, Optional(11.25));
  EXPECT_THAT(reading.gpu_active_percent, Optional(75.0));
  EXPECT_THAT(reading.gpu_megahertz, Optional((400.0 * 250 + 1300.0 * 500) / 750));
  EXPECT_THAT(reading.cpu_megahertz, Optional((2000.0 * 300 + 3200.0 * 100) / 400));
}

TEST(IoReportChannelsTest, AddsUpTheDies) {
  const IoReportReading reading = ReadChannels(
      Parse("Energy Model||DIE_0_CPU Energy|mJ|1000\nEnergy Model||DIE_1_CPU Energy|mJ|500\n"), {});
  EXPECT_THAT(reading.cpu_joules, Optional(1.5));
  EXPECT_EQ(reading.gpu_joules, std::nullopt);
}

TEST(IoReportChannelsTest, KnowsTheUnitsAndNoOthers) {
  const auto joules = [](const std::string& unit) {
    return ReadChannels(Parse("Energy Model||GPU Energy|" + unit + "|2000000\n"), {}).gpu_joules;
  };
  EXPECT_THAT(joules("mJ"), Optional(2000.0));
  EXPECT_THAT(joules("mJ    "), Optional(2000.0));
  EXPECT_THAT(joules("uJ"), Optional(2.0));
  EXPECT_THAT(joules("nJ"), Optional(0.002));
  EXPECT_EQ(joules("mW"), std::nullopt);
  EXPECT_EQ(joules(""), std::nullopt);
}

TEST(IoReportChannelsTest, SaysNothingOfWhatIsNotAsExpected) {
  const IoReportReading none = ReadChannels({}, {});
  EXPECT_EQ(none.cpu_joules, std::nullopt);
  EXPECT_EQ(none.gpu_active_percent, std::nullopt);
  // A table of another length than the states: which clock is whose is not known.
  const IoReportReading reading = ReadChannels(Parse(kM1), {{600, 2000}, {}});
  EXPECT_EQ(reading.gpu_megahertz, std::nullopt);
  EXPECT_EQ(reading.cpu_megahertz, std::nullopt);
  EXPECT_THAT(reading.gpu_active_percent, Optional(75.0));
  // A GPU that stood still has no clock.
  const auto off = Parse("GPU Stats|GPU Performance States|GPUPH|states|OFF=10,P1=0\n");
  EXPECT_THAT(ReadChannels(off, {{}, {400}}).gpu_active_percent, Optional(0.0));
  EXPECT_EQ(ReadChannels(off, {{}, {400}}).gpu_megahertz, std::nullopt);
}

// What the fuzzer found: 100 * x / x is more than 100 for some x.
TEST(IoReportChannelsTest, AShareIsWithinAHundredPerCent) {
  const auto percent = [](const std::string& states) {
    return ReadChannels(Parse("GPU Stats|GPU Performance States|GPUPH|states|" + states), {})
        .gpu_active_percent;
  };
  EXPECT_THAT(percent("P1=186445547702112320"), Optional(100.0));
  EXPECT_EQ(percent("OFF=10,P1=-20,P2=5"), std::nullopt);
  EXPECT_EQ(percent("OFF=-10,P1=20"), std::nullopt);
}

TEST(IoReportChannelsTest, ReadsTablesInHertzAndInKilohertz) {
  // Off at 400 mV, 360 MHz, 519 MHz, as in an M1's device tree.
  EXPECT_THAT(ParseVoltageStates({0x00, 0x00, 0x00, 0x00, 0x90, 0x01, 0x00, 0x00,  //
                                  0x00, 0x2a, 0x75, 0x15, 0x3f, 0x02, 0x00, 0x00,  //
                                  0xc0, 0x4f, 0xef, 0x1e, 0x7a, 0x02, 0x00, 0x00}),
              ElementsAre(360, 519));
  EXPECT_THAT(ParseVoltageStates({0x40, 0x7e, 0x05, 0x00, 0x90, 0x01, 0x00, 0x00}),
              ElementsAre(360));
  EXPECT_THAT(ParseVoltageStates({0x40, 0x7e, 0x05}), IsEmpty());
}

}  // namespace
}  // namespace laptime::agent
