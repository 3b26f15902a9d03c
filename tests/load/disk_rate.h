#pragma once

#include <string>

namespace laptime::load {

struct DiskRate {
  double per_second = 0;  // fdatasyncs of 4 KiB appended, one after the other
  double median_ms = 0;
  double p99_ms = 0;
};

// What the disk under `directory` does, for a second. Nothing durable can be faster, one at a time.
DiskRate MeasureDisk(const std::string& directory);

}  // namespace laptime::load
