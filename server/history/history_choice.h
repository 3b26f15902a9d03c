#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"
#include "server/import_results.h"
#include "storage/reader.h"

namespace laptime {

struct ElsewhereAt {
  ElsewhereResult result;
  int64_t imported_unix_ms = 0;
};

// What a request for history is about.
struct HistoryChoice {
  std::vector<storage::DeviceRow> devices;  // measured here
  std::vector<ElsewhereAt> imported;
};

// The devices of the request, and the results from elsewhere that are of them. kNotFound with the
// nearest name: a selector matches neither, or nothing was ever of the request's workload.
absl::StatusOr<HistoryChoice> ChooseHistory(const storage::Reader& reader,
                                            const v1::GetHistoryRequest& request);

}  // namespace laptime
