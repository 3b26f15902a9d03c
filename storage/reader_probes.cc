#include "storage/reader.h"
#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"

namespace laptime::storage {

absl::StatusOr<std::optional<v1::DeviceCapabilities>> Reader::Capabilities(
    int64_t device_key) const {
  using Found = std::optional<v1::DeviceCapabilities>;
  return Guard("reading capabilities", [&]() -> absl::StatusOr<Found> {
    Query probe = Prepare(
        "SELECT key, device_model, threads, seconds, probed_unix_ms FROM probe "
        "WHERE device = ?1 ORDER BY probed_unix_ms DESC, key DESC LIMIT 1");
    if (!probe.Bind(device_key).Step()) return Found();
    v1::DeviceCapabilities found;
    v1::ProbeResult& result = *found.mutable_result();
    const int64_t key = probe.Int64(0);
    result.set_device_model(probe.Text(1));
    result.set_threads(probe.Int(2));
    result.set_seconds(probe.Real(3));
    found.set_probed_unix_ms(probe.Int64(4));

    Query cell = Prepare(
        "SELECT precision, feature, state, reason, seconds, compared_seconds, compared_with "
        "FROM capability WHERE probe = ?1 ORDER BY position");
    cell.Bind(key);
    while (cell.Step()) {
      v1::Capability& one = *result.add_capabilities();
      one.set_precision(cell.Text(0));
      one.set_feature(cell.Text(1));
      one.set_state(static_cast<v1::CapabilityState>(cell.Int(2)));
      one.set_reason(cell.Text(3));
      if (!cell.IsNull(4)) one.set_seconds(cell.Real(4));
      if (!cell.IsNull(5)) one.set_compared_seconds(cell.Real(5));
      one.set_compared_with(cell.Text(6));
    }
    const absl::StatusOr<std::vector<v1::PeakRate>> rates = PeakRates(device_key);
    if (!rates.ok()) return rates.status();
    result.mutable_rates()->Add(rates->begin(), rates->end());
    return Found(std::move(found));
  });
}

absl::StatusOr<std::vector<v1::PeakRate>> Reader::PeakRates(int64_t device_key) const {
  return Guard("reading peak rates", [&]() -> absl::StatusOr<std::vector<v1::PeakRate>> {
    std::vector<v1::PeakRate> rates;
    Query query = Prepare(
        "SELECT operation, type, unit, per_second, reason FROM peak_rate WHERE probe = (SELECT key "
        "FROM probe WHERE device = ?1 ORDER BY probed_unix_ms DESC, key DESC LIMIT 1) "
        "ORDER BY position");
    query.Bind(device_key);
    while (query.Step()) {
      v1::PeakRate& rate = rates.emplace_back();
      rate.set_operation(query.Text(0));
      rate.set_type(query.Text(1));
      rate.set_unit(query.Text(2));
      if (!query.IsNull(3)) rate.set_per_second(query.Real(3));
      rate.set_reason(query.Text(4));
    }
    return rates;
  });
}

}  // namespace laptime::storage
