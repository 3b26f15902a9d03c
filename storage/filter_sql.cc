#include "storage/filter_sql.h"

#include <nlohmann/json.hpp>

namespace laptime::storage {

std::string FilterSql::Text() const {
  int next = first_;
  const auto parameter = [&next] { return "?" + std::to_string(next++); };
  std::string text;
  if (!filter_.job_id.empty())
    text += " AND run.job = (SELECT key FROM job WHERE id = " + parameter() + ")";
  if (!filter_.device_keys.empty())
    text += " AND run.device IN (SELECT value FROM json_each(" + parameter() + "))";
  if (!filter_.workload.empty()) {
    const std::string wanted = parameter();
    text += " AND run.job IN (SELECT key FROM job WHERE preset = " + wanted +
            " OR (workload >= " + wanted + " AND workload < " + wanted + " || '~'))";
  }
  if (filter_.state != v1::RUN_STATE_UNSPECIFIED) text += " AND run.state = " + parameter();
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
  if (!filter_.device_keys.empty())
    query.BindAt(next++, nlohmann::json(filter_.device_keys).dump());
  if (!filter_.workload.empty()) query.BindAt(next++, filter_.workload);
  if (filter_.state != v1::RUN_STATE_UNSPECIFIED) query.BindAt(next++, filter_.state);
  if (!filter_.workload_hashes.empty())
    query.BindAt(next++, nlohmann::json(filter_.workload_hashes).dump());
  filter_.where.Bind(query, next);
}

}  // namespace laptime::storage
