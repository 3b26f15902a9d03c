#pragma once

#include <cstdint>
#include <deque>

#include "absl/status/status.h"
#include "laptime/v1/control.pb.h"
#include "storage/reader.h"

namespace laptime {

inline constexpr int kExportRows = 1000;                 // of one message, at most
inline constexpr size_t kExportBytes = size_t{1} << 20;  // likewise, and one row more
inline constexpr int kMostExports = 4;  // at the same time: each holds a thread of the server

// Reads the rows of an export page by page, so that neither memory nor a read transaction grows
// with what there is. What is stored meanwhile may be in it. Belongs to one thread.
class RowExport {
 public:
  RowExport(v1::ExportKind kind, storage::RunFilter filter);

  // The next rows, at most kExportRows, perhaps none before it is done. A page is one call, within
  // one transaction.
  absl::Status Next(const storage::Reader& reader, v1::ExportRowsResponse& rows);
  bool done() const { return done_; }

 private:
  absl::Status FetchRuns(const storage::Reader& reader);
  // Each takes rows of the first run that waits, and that run away when it has no more.
  absl::Status TakeEpochs(const storage::Reader& reader, int most, v1::ExportRowsResponse& rows);
  absl::Status TakeSamples(const storage::Reader& reader, int most, v1::ExportRowsResponse& rows);
  void NextRun();

  // Constant after construction.
  const v1::ExportKind kind_;
  const storage::RunFilter filter_;

  std::deque<storage::Reader::ExportRun> runs_;  // that wait
  int64_t last_run_ = 0;                         // of those fetched
  int last_epoch_ = 0;                           // of the first run
  storage::Reader::SamplePlace last_sample_;     // likewise
  bool done_ = false;
};

}  // namespace laptime
