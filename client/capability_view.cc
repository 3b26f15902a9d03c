#include "client/capability_view.h"

#include <utility>
#include <vector>

#include "client/columns.h"

namespace laptime::client {
namespace {

using v1::Capability;
using v1::PeakRate;

constexpr double kGiga = 1e9;

Cell StateCell(const Capability& cell) {
  switch (cell.state()) {
    case v1::CAPABILITY_STATE_WORKS:
      return TextCell("works", Style::kGood);
    case v1::CAPABILITY_STATE_SLOWER:
      return TextCell("slower", Style::kWarning);
    case v1::CAPABILITY_STATE_FAILS:
      return TextCell("fails", Style::kBad);
    default:
      return TextCell("not measured", Style::kDim);
  }
}

std::optional<double> SpeedUp(const Capability& cell) {
  if (!cell.has_seconds() || !cell.has_compared_seconds() || cell.seconds() <= 0)
    return std::nullopt;
  return cell.compared_seconds() / cell.seconds();
}

std::vector<Column<Capability>> CapabilityColumns() {
  return {
      TextColumn<Capability>("precision", "PRECISION",
                             [](const Capability& c) { return c.precision(); }),
      TextColumn<Capability>("feature", "FEATURE", [](const Capability& c) { return c.feature(); }),
      {{"state", "STATE", false, false}, StateCell},
      MeasuredColumn<Capability>(
          "seconds", "TIME", [](const Capability& c) { return LAPTIME_MEASURED(c, seconds); },
          Duration),
      MeasuredColumn<Capability>("speed_up", "SPEED", SpeedUp, Times3),
      TextColumn<Capability>("compared_with", "COMPARED WITH",
                             [](const Capability& c) { return c.compared_with(); }),
      TextColumn<Capability>("reason", "REASON", [](const Capability& c) { return c.reason(); }),
      MeasuredColumn<Capability>(
          "compared_seconds", "COMPARED TIME",
          [](const Capability& c) { return LAPTIME_MEASURED(c, compared_seconds); }, Duration,
          Shown::kWide),
  };
}

std::string Rate(const PeakRate& rate) {
  if (!rate.has_per_second()) return "fails: " + rate.reason();
  return Significant(rate.per_second() / kGiga) + " G" + rate.unit();
}

std::vector<std::pair<std::string, std::string>> Facts(const v1::DeviceCapabilities& device) {
  const v1::ProbeResult& result = device.result();
  std::vector<std::pair<std::string, std::string>> facts = {
      {"device", device.device()},
      {"model", result.device_model()},
      {"probed", LocalTime(device.probed_unix_ms()) + ", in " + Duration(result.seconds())},
      {"threads", result.threads() > 0 ? std::to_string(result.threads()) : ""}};
  for (const PeakRate& rate : result.rates())
    facts.emplace_back(rate.operation() + " " + rate.type(), Rate(rate));
  return facts;
}

}  // namespace

Grid CapabilityGrid(const v1::ListCapabilitiesResponse& response) {
  Grid grid;
  grid.headings.push_back({"device", "DEVICE", false, false});
  for (const auto& column : CapabilityColumns()) grid.headings.push_back(column.heading);
  for (const v1::DeviceCapabilities& device : response.devices()) {
    for (std::vector<Cell>& row :
         MakeGrid(CapabilityColumns(), device.result().capabilities()).rows) {
      row.insert(row.begin(), TextCell(device.device()));
      grid.rows.push_back(std::move(row));
    }
  }
  return grid;
}

std::string CapabilityPage(const v1::ListCapabilitiesResponse& response, bool color) {
  std::string text;
  for (const v1::DeviceCapabilities& device : response.devices()) {
    if (!text.empty()) text += "\n";
    text += RenderFacts(Facts(device)) + "\n";
    text +=
        RenderTable(Narrow(MakeGrid(CapabilityColumns(), device.result().capabilities())), color);
  }
  return text;
}

}  // namespace laptime::client
