#include "storage/filter_sql.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace laptime::storage {

FilterSql::FilterSql(RunFilter filter, int first) : filter_(std::move(filter)), first_(first) {
  if (!filter_.workload.empty()) filter_.where.AddWorkload(filter_.workload);
}

std::string FilterSql::Text() const {
  int next = first_;
  const auto parameter = [&next] { return "?" + std::to_string(next++); };
  const bool one_device = filter_.device_keys.size() == 1;
  std::string text;
  if (!filter_.job_id.empty())
    text += " AND run.job = (SELECT key FROM job WHERE id = " + parameter() + ")";
  if (one_device) {
    text += " AND run.device = " + parameter();
  } else if (!filter_.device_keys.empty()) {
    text += " AND run.device IN (SELECT value FROM json_each(" + parameter() + "))";
  }
  // One device's runs are found by their device, several ones' by their state: both indices have
  // them in the order of their keys.
  if (filter_.state != v1::RUN_STATE_UNSPECIFIED)
    text += (one_device ? " AND +run.state = " : " AND run.state = ") + parameter();
  if (!filter_.workload_hashes.empty()) {
    text += " AND run.job IN (SELECT key FROM job WHERE workload IN (SELECT value FROM json_each(" +
            parameter() + ")))";
  }
  if (!filter_.where.empty()) text += " AND " + filter_.where.Sql(next);
  return text;
}

void FilterSql::Bind(Query& query) const {
  int next = first_;
  if (!filter_.job_id.empty()) query.BindAt(next++, filter_.job_id);
  if (filter_.device_keys.size() == 1) {
    query.BindAt(next++, filter_.device_keys.front());
  } else if (!filter_.device_keys.empty()) {
    query.BindAt(next++, nlohmann::json(filter_.device_keys).dump());
  }
  if (filter_.state != v1::RUN_STATE_UNSPECIFIED) query.BindAt(next++, filter_.state);
  if (!filter_.workload_hashes.empty())
    query.BindAt(next++, nlohmann::json(filter_.workload_hashes).dump());
  filter_.where.Bind(query, next);
}

RunFilter Succeeded(RunFilter filter) {
  filter.state = v1::RUN_STATE_SUCCEEDED;
  return filter;
}

}  // namespace laptime::storage
