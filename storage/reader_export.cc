#include "storage/epoch_columns.h"
#include "storage/filter_sql.h"
#include "storage/reader.h"
#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"

namespace laptime::storage {

absl::StatusOr<std::vector<Reader::ExportRun>> Reader::RunsAfter(const RunFilter& filter,
                                                                 int64_t run_key, int limit) const {
  return Guard("reading runs", [&]() -> absl::StatusOr<std::vector<ExportRun>> {
    std::vector<ExportRun> runs;
    const FilterSql sql(filter, 3);
    // As a page of a list: the keys first, by the filter alone.
    Query query = Prepare(Select(RunRows(),
                                 "WHERE run.key IN (SELECT run.key FROM run WHERE run.key > ?1" +
                                     sql.Text() + " ORDER BY run.key LIMIT ?2) ORDER BY run.key",
                                 "run.key, newest.key"));
    query.Bind(run_key, limit);
    sql.Bind(query);
    while (query.Step()) {
      ExportRun& run = runs.emplace_back();
      run.run = RunFrom(query);
      run.key = query.Int64(RunRows().count);
      run.attempt_key = query.Int64(RunRows().count + 1);  // 0 before the first
    }
    return runs;
  });
}

absl::StatusOr<std::vector<v1::Epoch>> Reader::EpochsAfter(int64_t attempt_key, int number,
                                                           int limit) const {
  return Guard("reading epochs", [&]() -> absl::StatusOr<std::vector<v1::Epoch>> {
    std::vector<v1::Epoch> epochs;
    Query query =
        Prepare("SELECT number, " + EpochColumnNames() +
                " FROM epoch WHERE attempt = ?1 AND number > ?2 ORDER BY number LIMIT ?3");
    query.Bind(attempt_key, number, limit);
    while (query.Step()) {
      epochs.push_back(EpochFrom(query, 1));
      epochs.back().set_number(query.Int(0));
    }
    return epochs;
  });
}

absl::StatusOr<std::vector<Reader::ExportSample>> Reader::SamplesAfter(int64_t attempt_key,
                                                                       const SamplePlace& place,
                                                                       int limit) const {
  return Guard("reading samples", [&]() -> absl::StatusOr<std::vector<ExportSample>> {
    std::vector<ExportSample> samples;
    Query query = Prepare(
        "SELECT sample.sensor, sample.t_ms, sample.value, sensor.name, sensor.source, sensor.unit "
        "FROM sample CROSS JOIN sensor ON sensor.key = sample.sensor WHERE sample.attempt = ?1 AND "
        "(sample.sensor, sample.t_ms) > (?2, ?3) ORDER BY sample.sensor, sample.t_ms LIMIT ?4");
    query.Bind(attempt_key, place.sensor, place.t_ms, limit);
    while (query.Step()) {
      ExportSample& sample = samples.emplace_back();
      sample.place = {query.Int64(0), query.Int64(1)};
      sample.row.set_time_ms(query.Int(1));
      sample.row.set_value(query.Real(2));
      sample.row.set_sensor(query.Text(3));
      sample.row.set_source(query.Text(4));
      sample.row.set_unit(query.Text(5));
    }
    return samples;
  });
}

}  // namespace laptime::storage
