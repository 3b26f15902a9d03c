#include "client/bundle_check.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <variant>

#include "client/bundle.h"
#include "client/bundle_figures.h"
#include "client/format.h"
#include "client/json.h"
#include "proto/support/sha256.h"
#include "proto/support/status.h"
#include "proto/support/workload_spec.h"

namespace laptime::client {
namespace {

using nlohmann::json;

struct PartEntry {
  std::string name;
  size_t bytes = 0;
  std::string sha256;
};

struct Manifest {
  std::string run_id;
  std::vector<PartEntry> parts;
};

absl::Status NoBundle(const std::string& why) {
  return WithHint(absl::StatusCode::kDataLoss, "this is no bundle of a run: " + why,
                  "laptime run export RUN --to FILE writes one");
}

template <typename Value>
std::optional<Value> Member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::nullopt;
  if constexpr (std::is_same_v<Value, std::string>) {
    if (!found->is_string()) return std::nullopt;
  } else {
    if (!found->is_number_unsigned()) return std::nullopt;
  }
  return found->template get<Value>();
}

absl::StatusOr<Manifest> ReadManifest(const std::string& line) {
  const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || Member<std::string>(object, "format") != kBundleFormat)
    return NoBundle("its first line is no manifest");
  const std::optional<size_t> version = Member<size_t>(object, "version");
  if (!version) return NoBundle("the manifest has no version");
  if (*version > kBundleVersion) {
    return WithHint(absl::StatusCode::kFailedPrecondition,
                    "the bundle is of version " + std::to_string(*version) +
                        "; this program knows " + std::to_string(kBundleVersion),
                    "a newer laptime verifies it");
  }
  const std::optional<std::string> run = Member<std::string>(object, "run");
  if (!run || !object.contains("parts") || !object["parts"].is_array() ||
      object["parts"].size() > kMaxBundleParts)
    return NoBundle("the manifest is incomplete");
  Manifest manifest{*run, {}};
  for (const json& part : object["parts"]) {
    if (!part.is_object()) return NoBundle("the manifest is incomplete");
    const auto name = Member<std::string>(part, "name");
    const auto bytes = Member<size_t>(part, "bytes");
    const auto hash = Member<std::string>(part, "sha256");
    if (!name || !bytes || !hash) return NoBundle("the manifest is incomplete");
    manifest.parts.push_back({*name, *bytes, *hash});
  }
  return manifest;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// ---- what the lines say ----

std::string Text(std::optional<double> value) { return value ? Exact(*value) : "not measured"; }

// Looks at what was read, part by part, and keeps what it finds.
class Inspection {
 public:
  explicit Inspection(const Manifest& manifest) : manifest_(manifest) {}

  void Lines(const std::vector<std::string>& lines, bool ends_with_line_break);
  void Messages();
  std::vector<BundleFinding> Findings() && { return std::move(findings_); }

 private:
  void Note(const std::string& what, bool good, const std::string& detail) {
    findings_.push_back({what, good, detail});
  }
  // Said only when it is bad.
  void Complain(bool bad, const std::string& what, const std::string& detail) {
    if (bad) Note(what, false, detail);
  }
  void Line(size_t number, const PartEntry& part, const std::string& line);

  template <typename Message>
  std::optional<Message> Parse(const std::string& name);
  // "epoch/1", "epoch/2", …
  template <typename Message>
  std::vector<Message> ParseAll(const std::string& name);

  void Workload(const v1::Run& run, const v1::Job& job);
  void Laps(const v1::Run& run, const std::vector<v1::Epoch>& laps);
  void Figures(const v1::Run& run, const std::vector<v1::Epoch>& laps,
               const std::vector<v1::Attempt>& attempts);
  void Attempts(const v1::Run& run, const std::vector<v1::Attempt>& attempts, int laps);
  void Samples(const std::vector<v1::SampleSeries>& series);

  const Manifest& manifest_;
  std::map<std::string, std::string> parts_;  // name → line, whether or not its hash agrees
  std::set<std::string> read_;                // names that were asked for
  std::vector<BundleFinding> findings_;
};

void Inspection::Line(size_t number, const PartEntry& part, const std::string& line) {
  const std::string what = "line " + std::to_string(number) + ", " + part.name;
  if (!parts_.emplace(part.name, line).second) return Note(what, false, "is there twice");
  if (line.size() != part.bytes) {
    return Note(what, false,
                "has " + std::to_string(line.size()) + " bytes, the manifest says " +
                    std::to_string(part.bytes));
  }
  const std::string hash = Sha256Hex(line);
  Complain(hash != part.sha256, what,
           "has the SHA-256 " + hash + ", the manifest says " + part.sha256);
}

void Inspection::Lines(const std::vector<std::string>& lines, bool ends_with_line_break) {
  const size_t expected = manifest_.parts.size();
  const size_t there = lines.size() - 1;
  for (size_t i = 0; i < std::min(expected, there); ++i)
    Line(i + 2, manifest_.parts[i], lines[i + 1]);
  Complain(there < expected, "lines",
           "the file ends after " + std::to_string(there) + " of " + std::to_string(expected) +
               " parts");
  Complain(there > expected, "lines",
           "there are " + std::to_string(there - expected) + " more than the manifest names");
  Complain(!ends_with_line_break, "lines", "the last one is cut off");
  if (findings_.empty())
    Note("lines", true, "lengths and hashes of all " + std::to_string(expected));
}

template <typename Message>
std::optional<Message> Inspection::Parse(const std::string& name) {
  const auto part = parts_.find(name);
  if (part == parts_.end()) {
    Note(name, false, "is missing");
    return std::nullopt;
  }
  read_.insert(name);
  Message message;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // of a newer version
  if (google::protobuf::util::JsonStringToMessage(part->second, &message, options).ok())
    return message;
  Note(name, false, "cannot be read");
  return std::nullopt;
}

template <typename Message>
std::vector<Message> Inspection::ParseAll(const std::string& name) {
  std::vector<Message> messages;
  for (int number = 1; parts_.contains(name + "/" + std::to_string(number)); ++number) {
    if (auto message = Parse<Message>(name + "/" + std::to_string(number)))
      messages.push_back(*std::move(message));
  }
  return messages;
}

void Inspection::Workload(const v1::Run& run, const v1::Job& job) {
  const v1::Workload& stated = job.workload();
  const json config = json::parse(ToJson(stated.config(), false), nullptr, false);
  const auto resolved = ResolveConfig(stated.name(), config);
  if (const auto* error = std::get_if<SpecError>(&resolved))
    return Note("workload", false, "this version does not know it: " + error->message);
  const WorkloadSpec& spec = std::get<WorkloadSpec>(resolved);
  const std::string hash = Sha256Hex(spec.HashedText());
  const bool hashes = hash == stated.hash() && hash == run.workload_hash();
  Complain(!hashes, "workload",
           "its keys have the hash " + hash + ", the run says " + run.workload_hash() +
               ", the job " + stated.hash());
  const bool marks = spec.partial() == run.partial() && spec.synthetic() == run.synthetic() &&
                     spec.steps_per_epoch() == stated.steps_per_epoch();
  Complain(!marks, "workload", "partial, synthetic or steps per epoch do not follow from its keys");
  if (hashes && marks) Note("workload", true, hash + ", computed from its keys");
}

void Inspection::Laps(const v1::Run& run, const std::vector<v1::Epoch>& laps) {
  const size_t before = findings_.size();
  for (size_t i = 0; i < laps.size(); ++i) {
    if (laps[i].number() == static_cast<int>(i) + 1) continue;
    Note("laps", false, "lap " + std::to_string(i + 1) + " is missing");
    break;
  }
  const auto count = static_cast<int>(laps.size());
  Complain(count != run.epochs_done(), "laps",
           std::to_string(count) + " are there, the run says " + std::to_string(run.epochs_done()));
  Complain(run.state() == v1::RUN_STATE_SUCCEEDED && run.epochs_done() != run.epochs(), "laps",
           "the run succeeded with " + std::to_string(run.epochs_done()) + " of " +
               std::to_string(run.epochs()));
  if (findings_.size() == before) Note("laps", true, std::to_string(count) + ", none missing");
}

void Inspection::Figures(const v1::Run& run, const std::vector<v1::Epoch>& laps,
                         const std::vector<v1::Attempt>& attempts) {
  for (const RunFigure& figure : FiguresOf(run, laps, attempts)) {
    const bool agree = Agree(figure);
    Note(figure.what, agree,
         agree
             ? Text(figure.computed)
             : "the laps give " + Text(figure.computed) + ", the run says " + Text(figure.stated));
  }
}

void Inspection::Attempts(const v1::Run& run, const std::vector<v1::Attempt>& attempts, int laps) {
  const size_t before = findings_.size();
  for (size_t i = 0; i < attempts.size(); ++i) {
    Complain(attempts[i].number() != static_cast<int>(i) + 1, "attempts",
             "attempt " + std::to_string(i + 1) + " is missing");
  }
  Complain(static_cast<int>(attempts.size()) != run.attempt(), "attempts",
           std::to_string(attempts.size()) + " are there, the run says " +
               std::to_string(run.attempt()));
  Complain(!attempts.empty() && attempts.back().epochs_done() != laps, "attempts",
           "the newest has another number of laps than there are");
  if (findings_.size() == before)
    Note("attempts", true, std::to_string(attempts.size()) + ", none missing");
}

void Inspection::Samples(const std::vector<v1::SampleSeries>& series) {
  const size_t before = findings_.size();
  int64_t count = 0;
  for (const v1::SampleSeries& one : series) {
    const std::string& sensor = one.sensor().name();
    count += one.values_size();
    Complain(one.times_ms_size() != one.values_size(), "samples",
             sensor + " has another number of times than of values");
    Complain(!std::ranges::is_sorted(one.times_ms()), "samples", "times of " + sensor + " go back");
  }
  if (findings_.size() == before) {
    Note("samples", true,
         std::to_string(count) + " of " + std::to_string(series.size()) + " sensors");
  }
}

void Inspection::Messages() {
  const auto run = Parse<v1::Run>("run");
  const auto job = Parse<v1::Job>("job");
  const auto log = Parse<v1::GetRunLogResponse>("log");
  if (!run || !job || !log) return;
  const bool one = run->id() == manifest_.run_id && run->job_id() == job->id();
  Note("run", one,
       one ? run->id() + " of job " + job->id() + " on " + run->device()
           : "manifest, run and job name different ones: " + manifest_.run_id + ", " + run->id() +
                 " of " + run->job_id() + ", " + job->id());
  const auto laps = ParseAll<v1::Epoch>("epoch");
  const auto attempts = ParseAll<v1::Attempt>("attempt");
  Workload(*run, *job);
  Attempts(*run, attempts, static_cast<int>(laps.size()));
  Laps(*run, laps);
  Figures(*run, laps, attempts);
  Samples(ParseAll<v1::SampleSeries>("samples"));
  ParseAll<v1::Annotation>("note");
  if (parts_.contains("snapshot")) Parse<google::protobuf::Struct>("snapshot");
  for (const auto& [name, line] : parts_)
    Complain(!read_.contains(name), name, "is no part that belongs here");
  Complain(log->attempt() != run->attempt(), "log", "is of another attempt than the newest");
}

}  // namespace

absl::StatusOr<std::vector<BundleFinding>> CheckBundle(const std::string& text) {
  if (text.size() > kMaxBundleBytes) return NoBundle("it is longer than 1 GiB");
  const std::vector<std::string> lines = LinesOf(text);
  if (lines.empty()) return NoBundle("it is empty");
  const absl::StatusOr<Manifest> manifest = ReadManifest(lines.front());
  if (!manifest.ok()) return manifest.status();
  Inspection inspection(*manifest);
  inspection.Lines(lines, text.back() == '\n');
  inspection.Messages();
  return std::move(inspection).Findings();
}

}  // namespace laptime::client
