#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"
#include "storage/store.h"

namespace laptime {

// A result measured elsewhere, checked. Exactly one of the two forms of time is there: laps, or a
// total with the number of epochs it holds.
struct ElsewhereResult {
  std::string source;
  std::string host;
  std::string device;
  v1::DeviceKind kind = v1::DEVICE_KIND_UNSPECIFIED;
  std::string model;
  std::string workload;  // a preset
  std::string workload_hash;
  google::protobuf::Struct work;  // the hashed keys of the workload
  bool partial = false;           // the preset's work is limited, or its images are generated
  bool synthetic = false;
  std::string notes;
  bool derived = false;  // computed by its source from another device's time
  std::vector<double> epoch_seconds;
  double seconds_per_epoch = 0;  // the median lap, or total / epochs
  bool whole_fit = false;  // seconds_per_epoch is total / epochs: start-up and evaluation included
  std::optional<double> knn_accuracy;
  std::optional<double> peak_memory_bytes;

  // As those of measured runs: "host/device", or the device alone.
  std::string device_id() const { return host.empty() ? device : host + "/" + device; }
};

// One line of the import format (README "Import"); kInvalidArgument names the field.
absl::StatusOr<ElsewhereResult> ParseResult(const std::string& json_line);

// The result as conditions on runs see it. What they may ask of its work comes from its preset;
// seed, epochs and the like are a run's own and not known of it.
storage::RunLike AsRunLike(const ElsewhereResult& result);

// Stores every line, or none: kInvalidArgument names the line. `published`: these are the built-in
// references, which take the place of an earlier version's.
absl::StatusOr<v1::ImportResultsResponse> ImportResults(storage::Store& store,
                                                        const std::string& json_lines,
                                                        bool published, int64_t now_unix_ms);

// deploy/references/*.jsonl, embedded at build.
extern const char kPublishedResults[];

}  // namespace laptime
