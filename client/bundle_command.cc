#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <ostream>
#include <tuple>
#include <utility>

#include "client/bundle.h"
#include "client/bundle_check.h"
#include "client/columns.h"
#include "client/commands.h"
#include "client/exit_codes.h"
#include "client/mlperf_log.h"

namespace laptime::client {
namespace {

// Samples of a long run are more than one answer holds: they come as rows then, which do not say
// what a sensor's definition is.
absl::StatusOr<std::vector<v1::SampleSeries>> SamplesByRows(Session& session,
                                                            const std::string& run_id) {
  v1::ExportRowsRequest request;
  request.set_kind(v1::EXPORT_KIND_SAMPLES);
  request.set_filter("run=" + run_id);
  grpc::ClientContext context;
  const auto rows = session.stub().ExportRows(&context, request);
  std::map<std::tuple<std::string, std::string, std::string>, v1::SampleSeries> series;
  v1::ExportRowsResponse page;
  while (rows->Read(&page)) {
    for (const v1::SampleRow& row : page.samples()) {
      v1::SampleSeries& one = series[{row.sensor(), row.source(), row.unit()}];
      one.mutable_sensor()->set_name(row.sensor());
      one.mutable_sensor()->set_source(row.source());
      one.mutable_sensor()->set_unit(row.unit());
      one.add_times_ms(row.time_ms());
      one.add_values(row.value());
    }
  }
  if (absl::Status end = FromGrpc(rows->Finish()); !end.ok()) return session.Explain(end);
  std::vector<v1::SampleSeries> all;
  for (auto& [key, one] : series) all.push_back(std::move(one));
  return all;
}

absl::StatusOr<std::vector<v1::SampleSeries>> Samples(Session& session, const std::string& run_id) {
  v1::ListSamplesRequest request;
  request.set_run_id(run_id);
  const auto samples = session.Call(&Session::Stub::ListSamples, request);
  if (absl::IsResourceExhausted(samples.status())) return SamplesByRows(session, run_id);
  if (!samples.ok()) return samples.status();
  return std::vector<v1::SampleSeries>(samples->series().begin(), samples->series().end());
}

// What belongs to a run, asked for piece by piece: of one that goes on, they are of different
// moments, and the bundle would not agree with itself.
absl::StatusOr<BundledRun> Collect(Session& session, const v1::GetRunResponse& run) {
  BundledRun bundled;
  bundled.run = run;
  v1::GetJobRequest job;
  job.set_id(run.run().job_id());
  const auto found = session.Call(&Session::Stub::GetJob, job);
  if (!found.ok()) return found.status();
  bundled.job = found->job();
  v1::GetRunLogRequest log;
  log.set_id(run.run().id());
  const auto text = session.Call(&Session::Stub::GetRunLog, log);
  if (!text.ok()) return text.status();
  bundled.log = *text;
  auto samples = Samples(session, run.run().id());
  if (!samples.ok()) return samples.status();
  bundled.samples = *std::move(samples);
  return bundled;
}

absl::Status WriteFile(const std::string& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text << std::flush;
  if (out.good()) return absl::OkStatus();
  return WithHint(absl::StatusCode::kFailedPrecondition, "cannot write " + file,
                  "does its folder exist, and is there room?");
}

// "-" is standard input.
absl::StatusOr<std::string> ReadFile(Session& session, const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(session.console().in), {});
  std::ifstream in(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (in.is_open() && !in.bad()) return text;
  return WithHint(absl::StatusCode::kNotFound, "verify " + file + ": cannot be read",
                  "name a file that laptime run export wrote, or - for standard input");
}

Grid FindingGrid(const std::vector<BundleFinding>& findings) {
  using Finding = BundleFinding;
  const std::vector<Column<Finding>> columns{
      {{"what", "WHAT", false, false}, [](const Finding& f) { return TextCell(f.what); }},
      {{"state", "STATE", false, false},
       [](const Finding& f) {
         return TextCell(f.good ? "good" : "wrong", f.good ? Style::kGood : Style::kBad);
       }},
      {{"detail", "DETAIL", false, false}, [](const Finding& f) { return TextCell(f.detail); }}};
  return MakeGrid(columns, findings);
}

bool HasEnded(v1::RunState state) { return state >= v1::RUN_STATE_SUCCEEDED; }

}  // namespace

int RunRunExport(Session& session, const RunExportOptions& options) {
  v1::GetRunRequest request;
  request.set_id(options.id);
  const auto run = session.Call(&Session::Stub::GetRun, request);
  if (!run.ok()) return session.Fail(run.status());
  std::string text;
  if (options.format == "mlperf") {
    text = MlperfLog(*run);
  } else {
    const absl::StatusOr<BundledRun> bundled = Collect(session, *run);
    if (!bundled.ok()) return session.Fail(bundled.status());
    text = BundleText(run->run().id(), PartsOf(*bundled));
  }
  if (!HasEnded(run->run().state()))
    session.Say("run " + run->run().id() + " goes on: this is what there is now");
  if (!options.to.empty()) {
    const absl::Status written = WriteFile(options.to, text);
    return written.ok() ? kExitOk : session.Fail(written);
  }
  session.console().out << text << std::flush;
  return session.console().out.good() ? kExitOk : session.Fail(CannotPrint());
}

int RunRunVerify(Session& session, const RunVerifyOptions& options) {
  const absl::StatusOr<std::string> text = ReadFile(session, options.file);
  if (!text.ok()) return session.Fail(text.status());
  const absl::StatusOr<std::vector<BundleFinding>> findings = CheckBundle(*text);
  if (!findings.ok()) {
    return session.Fail(WithHint(findings.status().code(),
                                 options.file + ": " + MessageOf(findings.status()),
                                 HintOf(findings.status())));
  }
  const int printed = session.Print({nullptr, "findings", FindingGrid(*findings), nullptr});
  if (printed != kExitOk) return printed;
  const auto wrong = std::ranges::count(*findings, false, &BundleFinding::good);
  if (wrong == 0) return kExitOk;
  return session.Fail(WithHint(
      absl::StatusCode::kDataLoss,
      options.file + ": " + std::to_string(wrong) + (wrong == 1 ? " thing is" : " things are") +
          " wrong",
      "it was damaged or edited; laptime run export writes it anew where the run is stored"));
}

}  // namespace laptime::client
