#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"
#include "storage/transaction.h"

namespace laptime::storage {

absl::StatusOr<bool> Transaction::PutProbe(const std::string& host_id,
                                           const v1::DeviceProbe& probe) {
  return Guard("storing a probe", [&]() -> absl::StatusOr<bool> {
    Query device = Prepare("SELECT key FROM device WHERE host = ?1 AND agent_name = ?2");
    if (!device.Bind(host_id, probe.device()).Step())
      return absl::NotFoundError("host " + host_id + " has no device " + probe.device());
    const int64_t device_key = device.Int64(0);
    const std::string snapshot = KeepSnapshot(probe.snapshot_json());

    const v1::ProbeResult& result = probe.result();
    Query put = Prepare(
        "INSERT INTO probe (device, snapshot, device_model, threads, seconds, probed_unix_ms) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (device, snapshot) DO UPDATE SET "
        "device_model = excluded.device_model, threads = excluded.threads, "
        "seconds = excluded.seconds, probed_unix_ms = excluded.probed_unix_ms "
        "WHERE excluded.probed_unix_ms <> probe.probed_unix_ms RETURNING key");
    put.Bind(device_key, snapshot, result.device_model(), result.threads(), result.seconds(),
             probe.probed_unix_ms());
    const std::optional<int64_t> key = put.RunReturning();
    if (!key) return false;
    Prepare("DELETE FROM capability WHERE probe = ?1").Bind(*key).Run();
    Prepare("DELETE FROM peak_rate WHERE probe = ?1").Bind(*key).Run();
    Query cell = Prepare("INSERT INTO capability VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    for (int i = 0; i < result.capabilities_size(); ++i) {
      const v1::Capability& one = result.capabilities(i);
      cell.RunWith(
          *key, i, one.precision(), one.feature(), one.state(), one.reason(),
          Measured(one, &v1::Capability::has_seconds, &v1::Capability::seconds),
          Measured(one, &v1::Capability::has_compared_seconds, &v1::Capability::compared_seconds),
          one.compared_with());
    }
    Query rate = Prepare("INSERT INTO peak_rate VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    for (int i = 0; i < result.rates_size(); ++i) {
      const v1::PeakRate& one = result.rates(i);
      rate.RunWith(*key, i, one.operation(), one.type(), one.unit(),
                   Measured(one, &v1::PeakRate::has_per_second, &v1::PeakRate::per_second),
                   one.reason());
    }
    return true;
  });
}

}  // namespace laptime::storage
