#include "proto/support/status.h"
#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"
#include "storage/transaction.h"

namespace laptime::storage {
namespace {

absl::Status CheckNameIsFree(Query query, const v1::Host& host) {
  if (!query.Bind(host.name(), host.id()).Step()) return absl::OkStatus();
  return WithHint(absl::StatusCode::kAlreadyExists,
                  "another host is already named '" + host.name() + "'",
                  "start this agent with another --name");
}

void UpsertHostRow(Query query, const v1::Host& host, int64_t seen_unix_ms) {
  query.Bind(host.id(), host.name(), host.os(), host.kernel(), host.cpu_model(),
             host.agent_version(),
             Measured(host, &v1::Host::has_physical_cores, &v1::Host::physical_cores),
             Measured(host, &v1::Host::has_logical_cores, &v1::Host::logical_cores),
             Measured(host, &v1::Host::has_memory_bytes, &v1::Host::memory_bytes), seen_unix_ms);
  query.Run();
}

// The name that people will call a new device: its agent's, or that with a number when somebody
// gave it away.
std::string FreeName(Query query, const std::string& host_id, const std::string& wanted) {
  std::string name = wanted;
  for (int number = 2; query.Bind(host_id, name).Step(); ++number) {
    name = wanted + "-" + std::to_string(number);
    query.Reset();
  }
  return name;
}

absl::Status ChangedOne(Query& query, int64_t device_key) {
  if (query.RunChange()) return absl::OkStatus();
  return absl::NotFoundError("no device with key " + std::to_string(device_key));
}

}  // namespace

absl::Status Transaction::UpsertHost(const v1::Host& host, const std::vector<v1::Device>& devices,
                                     int64_t seen_unix_ms) {
  return Guard("storing host " + host.name(), [&]() -> absl::Status {
    LAPTIME_RETURN_IF_ERROR(
        CheckNameIsFree(Prepare("SELECT 1 FROM host WHERE name = ?1 AND id <> ?2"), host));
    UpsertHostRow(
        Prepare("INSERT INTO host (id, name, os, kernel, cpu_model, agent_version, physical_cores, "
                "logical_cores, memory_bytes, first_seen_unix_ms, last_seen_unix_ms) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10) "
                "ON CONFLICT (id) DO UPDATE SET name = excluded.name, os = excluded.os, "
                "kernel = excluded.kernel, cpu_model = excluded.cpu_model, "
                "agent_version = excluded.agent_version, physical_cores = excluded.physical_cores, "
                "logical_cores = excluded.logical_cores, memory_bytes = excluded.memory_bytes, "
                "last_seen_unix_ms = excluded.last_seen_unix_ms, removed_unix_ms = NULL"),
        host, seen_unix_ms);
    Prepare("UPDATE device SET offered = 0 WHERE host = ?1").Bind(host.id()).Run();
    for (const v1::Device& device : devices) UpsertDevice(host.id(), device);
    return BoundDevices(host);
  });
}

absl::Status Transaction::BoundDevices(const v1::Host& host) {
  Query count = Prepare("SELECT count(*) FROM device WHERE host = ?1");
  if (!count.Bind(host.id()).Step() || count.Int(0) <= kMaxKnownDevices) return absl::OkStatus();
  // Those that nothing but their own labels refers to.
  constexpr char kUnused[] =
      "(SELECT key FROM device WHERE host = ?1 AND offered = 0 "
      "AND NOT EXISTS (SELECT 1 FROM run WHERE run.device = device.key) "
      "AND NOT EXISTS (SELECT 1 FROM probe WHERE probe.device = device.key))";
  for (const char* table : {"device_label WHERE device IN ", "device WHERE key IN "})
    Prepare(std::string("DELETE FROM ") + table + kUnused).Bind(host.id()).Run();
  count.Reset();
  if (!count.Bind(host.id()).Step() || count.Int(0) <= kMaxKnownDevices) return absl::OkStatus();
  return WithHint(absl::StatusCode::kResourceExhausted,
                  "host " + host.name() + " has had " + std::to_string(count.Int(0)) + " devices",
                  "agent.toml: devices keep their names");
}

void Transaction::UpsertDevice(const std::string& host_id, const v1::Device& device) {
  const std::optional<int32_t> threads =
      Measured(device, &v1::Device::has_threads, &v1::Device::threads);
  const std::optional<double> memory =
      Measured(device, &v1::Device::has_memory_bytes, &v1::Device::memory_bytes);
  Query update = Prepare(
      "UPDATE device SET offered = 1, kind = ?3, model = ?4, address = ?5, threads = ?6, "
      "memory_bytes = ?7 WHERE host = ?1 AND agent_name = ?2 RETURNING key");
  update.Bind(host_id, device.name(), device.kind(), device.model(), device.address(), threads,
              memory);
  std::optional<int64_t> key = update.RunReturning();
  if (!key.has_value()) {
    Query insert = Prepare(
        "INSERT INTO device (host, agent_name, name, kind, model, address, threads, memory_bytes, "
        "health, offered) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1)");
    const std::string name = FreeName(Prepare("SELECT 1 FROM device WHERE host = ?1 AND name = ?2"),
                                      host_id, device.name());
    insert.Bind(host_id, device.name(), name, device.kind(), device.model(), device.address(),
                threads, memory, v1::DEVICE_HEALTH_OK);
    key = insert.RunInsert();
  }
  // What people gave the device wins over what its agent says.
  Query label = Prepare("INSERT INTO device_label VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
  for (const auto& [name, value] : device.labels()) label.RunWith(*key, name, value);
}

absl::Status Transaction::SetLastSeen(const std::string& host_id, int64_t seen_unix_ms) {
  return Guard("storing host " + host_id, [&]() -> absl::Status {
    Query query = Prepare("UPDATE host SET last_seen_unix_ms = ?2 WHERE id = ?1");
    if (query.Bind(host_id, seen_unix_ms).RunChange()) return absl::OkStatus();
    return absl::NotFoundError("no host " + host_id);
  });
}

absl::Status Transaction::SetDrained(int64_t device_key, bool drained) {
  return Guard("draining a device", [&] {
    Query query = Prepare("UPDATE device SET drained = ?2 WHERE key = ?1");
    return ChangedOne(query.Bind(device_key, drained), device_key);
  });
}

absl::Status Transaction::SetHealth(int64_t device_key, v1::DeviceHealth health) {
  return Guard("storing a device's health", [&] {
    Query query = Prepare("UPDATE device SET health = ?2 WHERE key = ?1");
    return ChangedOne(query.Bind(device_key, health), device_key);
  });
}

absl::Status Transaction::RenameDevice(int64_t device_key, const std::string& name) {
  return Guard("renaming a device", [&]() -> absl::Status {
    Query taken = Prepare(
        "SELECT 1 FROM device JOIN device AS other ON other.host = device.host "
        "WHERE device.key = ?1 AND other.key <> ?1 AND other.name = ?2");
    if (taken.Bind(device_key, name).Step()) {
      return absl::AlreadyExistsError("another device of the host is already named '" + name + "'");
    }
    Query query = Prepare("UPDATE device SET name = ?2 WHERE key = ?1");
    return ChangedOne(query.Bind(device_key, name), device_key);
  });
}

absl::Status Transaction::RemoveHost(const std::string& host_id, int64_t now_unix_ms) {
  return Guard("removing host " + host_id, [&] {
    Prepare("UPDATE host SET removed_unix_ms = ?2 WHERE id = ?1 AND removed_unix_ms IS NULL")
        .Bind(host_id, now_unix_ms)
        .Run();
    Prepare("UPDATE device SET offered = 0 WHERE host = ?1").Bind(host_id).Run();
  });
}

}  // namespace laptime::storage
