#pragma once

#include <string>
#include <vector>

#include "laptime/v1/control.pb.h"

namespace laptime::client {

// A run in one file: lines of JSON. The first is the manifest, which names each line after it with
// its length in bytes (without the line break) and its SHA-256; those are the messages of the wire
// as protobuf's JSON. The same run gives the same file.
inline constexpr char kBundleFormat[] = "laptime-run-bundle";
inline constexpr int kBundleVersion = 1;

// What a bundle is made of.
struct BundledRun {
  v1::GetRunResponse run;
  v1::Job job;
  v1::GetRunLogResponse log;
  std::vector<v1::SampleSeries> samples;
};

// One line: "run", "job", "snapshot", "attempt/1", "epoch/2", "samples/3", "log", "note/1".
struct BundlePart {
  std::string name;
  std::string json;  // one line
};

std::vector<BundlePart> PartsOf(const BundledRun& run);

// Takes a row in; rows come sensor by sensor, each in the order of its times, and do not say what a
// sensor's definition is: another one of the same name begins where the time goes back.
void AddSample(const v1::SampleRow& row, std::vector<v1::SampleSeries>& series);

// The whole file, line break at the end.
std::string BundleText(const std::string& run_id, const std::vector<BundlePart>& parts);

}  // namespace laptime::client
