#include "client/matrix_command.h"

#include "client/commands.h"
#include "client/exit_codes.h"
#include "client/matrix_view.h"
#include "client/submission.h"
#include "proto/support/clock.h"

namespace laptime::client {
namespace {

constexpr double kDaySeconds = 24.0 * 3600;

}  // namespace

absl::StatusOr<v1::GetMatrixRequest> MatrixRequest(const MatrixOptions& options) {
  v1::GetMatrixRequest request;
  for (const std::string& workload : options.workloads) request.add_workloads(workload);
  for (const std::string& device : options.devices) request.add_devices(device);
  for (const std::string& text : options.settings) {
    const auto setting = ParseSetting(text);
    if (!setting.ok()) return setting.status();
    (*request.mutable_settings())[setting->first] = setting->second;
  }
  request.set_runs_wanted(options.runs);
  // A moment at least: 0 stands for the default.
  if (options.fresh_days > 0) {
    request.set_fresh_seconds(
        std::max<int64_t>(1, static_cast<int64_t>(options.fresh_days * kDaySeconds)));
  }
  return request;
}

int PrintMatrix(Session& session, const v1::GetMatrixResponse& matrix) {
  const int64_t now = UnixMs(SystemClock().WallNow());
  if (matrix.cells().empty())
    session.Say("no device is offered; `laptime up` or laptime-agent run brings one");
  const auto page = [&matrix, now](bool wide, bool color) {
    return MatrixPage(matrix, now, wide, color);
  };
  return session.Print({&matrix, "cells", MatrixGrid(matrix, now), page});
}

int RunMatrix(Session& session, const MatrixOptions& options) {
  const absl::StatusOr<v1::GetMatrixRequest> request = MatrixRequest(options);
  if (!request.ok()) return session.Fail(request.status());
  const auto matrix = session.Call(&Session::Stub::GetMatrix, *request);
  return matrix.ok() ? PrintMatrix(session, *matrix) : session.Fail(matrix.status());
}

}  // namespace laptime::client
