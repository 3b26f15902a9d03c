#include "client/commands.h"
#include "client/table_view.h"

namespace laptime::client {

int RunTable(Session& session, const TableOptions& options) {
  v1::GetTableRequest request;
  request.set_workload(options.workload);
  request.set_baseline(options.baseline);
  request.set_best(options.best);
  const auto table = session.Call(&Session::Stub::GetTable, request);
  if (!table.ok()) return session.Fail(table.status());
  const auto page = [&](bool wide, bool color) {
    return ComparisonPage(*table, options.best, wide, color);
  };
  return session.Print({&*table, "rows", ComparisonGrid(*table, options.best), page});
}

}  // namespace laptime::client
