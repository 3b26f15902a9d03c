#include <algorithm>
#include <chrono>
#include <ostream>
#include <utility>

#include "client/bundle.h"
#include "client/bundle_check.h"
#include "client/columns.h"
#include "client/commands.h"
#include "client/exit_codes.h"
#include "client/input_file.h"
#include "client/mlperf_log.h"
#include "client/output_file.h"
#include "client/progress.h"

namespace laptime::client {
namespace {

// A stream of millions of rows takes longer than a call; one that hangs must end all the same.
constexpr std::chrono::minutes kLongestSamples{10};

// Samples of a long run are more than one answer holds: they come as rows then.
absl::StatusOr<std::vector<v1::SampleSeries>> SamplesByRows(Session& session,
                                                            const std::string& run_id) {
  v1::ExportRowsRequest request;
  request.set_kind(v1::EXPORT_KIND_SAMPLES);
  request.set_filter("run=" + run_id);
  const std::chrono::milliseconds limit = session.wait_limit().value_or(kLongestSamples);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + limit);
  const auto rows = session.stub().ExportRows(&context, request);
  std::vector<v1::SampleSeries> series;
  v1::ExportRowsResponse page;
  while (rows->Read(&page))
    for (const v1::SampleRow& row : page.samples()) AddSample(row, series);
  const absl::Status end = FromGrpc(rows->Finish());
  if (end.ok()) return series;
  if (!absl::IsDeadlineExceeded(end)) return session.Explain(end);
  return WithHint(end.code(),
                  "the readings of run " + run_id + " did not come within " +
                      std::to_string(std::chrono::ceil<std::chrono::seconds>(limit).count()) + " s",
                  "--timeout SECONDS waits longer");
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

}  // namespace

int RunRunExport(Session& session, const RunExportOptions& options) {
  if (session.format_named()) {
    return session.Fail(WithHint(absl::StatusCode::kInvalidArgument,
                                 "run export: -o " + session.setting("output") +
                                     " does not apply to it: a bundle has one form",
                                 "--format bundle or mlperf chooses; laptime run show takes -o"));
  }
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
  if (!options.to.empty() && options.to != "-") {
    const absl::Status written = ReplaceFile(options.to, text);
    return written.ok() ? kExitOk : session.Fail(written);
  }
  session.console().out << text << std::flush;
  return session.console().out.good() ? kExitOk : session.Fail(CannotPrint());
}

int RunRunVerify(Session& session, const RunVerifyOptions& options) {
  const absl::StatusOr<std::string> text =
      ReadInput(session.console().in, options.file, kMaxBundleBytes, "no bundle is that long");
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
      absl::StatusCode::kDataLoss, options.file + ": " + Counted(wrong, "wrong finding"),
      "it was damaged or edited; laptime run export writes it anew where the run is stored"));
}

}  // namespace laptime::client
