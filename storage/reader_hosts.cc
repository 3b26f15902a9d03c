#include <map>

#include "storage/reader.h"
#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"

namespace laptime::storage {

absl::StatusOr<std::vector<DeviceRow>> Reader::Devices(const std::string& host_id) const {
  return Guard("reading devices", [&]() -> absl::StatusOr<std::vector<DeviceRow>> {
    // Statements of their own, so that one host's devices are found by index.
    Query label =
        Prepare(host_id.empty() ? "SELECT device, label, value FROM device_label"
                                : "SELECT device, label, value FROM device_label WHERE device IN "
                                  "(SELECT key FROM device WHERE host = ?1)");
    Query query = Prepare(
        Select(DeviceRows(), host_id.empty() ? "ORDER BY host.name, device.name"
                                             : "WHERE device.host = ?1 ORDER BY device.name"));
    if (!host_id.empty()) {
      label.Bind(host_id);
      query.Bind(host_id);
    }
    std::map<int64_t, std::map<std::string, std::string>> labels;
    while (label.Step()) labels[label.Int64(0)][label.Text(1)] = label.Text(2);
    std::vector<DeviceRow> rows;
    while (query.Step()) {
      rows.push_back(DeviceFrom(query));
      for (const auto& [name, value] : labels[rows.back().key]) {
        (*rows.back().device.mutable_labels())[name] = value;
      }
    }
    return rows;
  });
}

absl::StatusOr<v1::Host> Reader::FindHost(const std::string& host_id) const {
  return Guard("reading host " + host_id, [&]() -> absl::StatusOr<v1::Host> {
    Query query = Prepare(Select(HostRows(), "WHERE id = ?1"));
    if (!query.Bind(host_id).Step()) return absl::NotFoundError("no host " + host_id);
    return HostFrom(query);
  });
}

absl::StatusOr<v1::Host> Reader::FindHostByName(const std::string& name) const {
  return Guard("reading host " + name, [&]() -> absl::StatusOr<v1::Host> {
    Query query = Prepare(Select(HostRows(), "WHERE name = ?1 OR id = ?1"));
    if (!query.Bind(name).Step()) return absl::NotFoundError("no host is named '" + name + "'");
    return HostFrom(query);
  });
}

}  // namespace laptime::storage
