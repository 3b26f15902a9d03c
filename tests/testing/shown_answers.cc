#include "tests/testing/shown_answers.h"

#include <sstream>

#include "client/answer.h"
#include "client/capability_view.h"
#include "client/comparison_view.h"
#include "client/device_view.h"
#include "client/flat_columns.h"
#include "client/history_view.h"
#include "client/job_view.h"
#include "client/json.h"
#include "client/log_text.h"
#include "client/matrix_view.h"
#include "client/mlperf_log.h"
#include "client/progress.h"
#include "client/progress_display.h"
#include "client/run_view.h"
#include "client/session.h"
#include "client/table_view.h"
#include "client/workload_view.h"
#include "tests/testing/output_dangers.h"

namespace laptime::testing {
namespace {

using client::Format;
using client::Grid;
using google::protobuf::Message;
using Kind = ShownText::Kind;
using Texts = std::vector<ShownText>;

void AddScreen(Texts& texts, const std::string& text) { texts.push_back({Kind::kScreen, text}); }

void AddAnswer(Texts& texts, const client::Answer& answer) {
  for (const Format format : {Format::kTable, Format::kWide, Format::kJson, Format::kJsonLines,
                              Format::kCsv, Format::kMarkdown}) {
    client::Look look;
    look.format = format;
    const std::string text = client::Render(answer, look).value_or("\x1b an answer not rendered");
    const bool json = format == Format::kJson || format == Format::kJsonLines;
    if (format == Format::kMarkdown) {
      texts.push_back({Kind::kMarkdown, text, client::Narrow(answer.grid).headings.size()});
    } else {
      texts.push_back({json                     ? Kind::kJson
                       : format == Format::kCsv ? Kind::kCsv
                                                : Kind::kScreen,
                       text});
    }
  }
}

template <typename T>
ShownAnswer Shown(const std::function<void(Texts&, const T&)>& show) {
  return {std::make_unique<T>(), [show](const Message& message) {
            Texts texts;
            show(texts, static_cast<const T&>(message));
            return texts;
          }};
}

// An answer with rows in `rows` and a page for people.
void AddPaged(Texts& texts, const Message& message, const std::string& rows, const Grid& grid,
              const std::function<std::string(bool, bool)>& page = nullptr) {
  AddAnswer(texts, {&message, rows, grid, page});
}

void ShowRun(Texts& texts, const v1::GetRunResponse& run) {
  AddPaged(texts, run, "", client::LapGrid(run.epochs()),
           [&](bool wide, bool color) { return client::RunPage(run, wide, color); });
  AddAnswer(texts, {nullptr, "attempts", client::AttemptGrid(run.attempts()), nullptr});
  AddAnswer(texts, {nullptr, "notes", client::NoteGrid(run.annotations()), nullptr});
  texts.push_back({Kind::kJson, client::MlperfLog(run)});
}

template <typename Row>
void AddRows(Texts& texts, const google::protobuf::RepeatedPtrField<Row>& rows) {
  static const auto columns = client::FlatColumns(*Row::descriptor());
  std::string csv;
  for (const Row& row : rows) csv += client::CsvLine(columns, row) + "\n";
  texts.push_back({Kind::kCsv, csv});
}

void ShowExport(Texts& texts, const v1::ExportRowsResponse& rows) {
  AddRows(texts, rows.epochs());
  AddRows(texts, rows.runs());
  AddRows(texts, rows.samples());
}

void ShowEvent(Texts& texts, const v1::JobEvent& event) {
  v1::GetJobResponse job;
  v1::Run& run = *job.add_runs();
  run.set_id(event.run_id());
  run.set_device(event.device());
  client::ProgressBoard board(job);
  std::ostringstream plain;
  client::PlainDisplay display(plain);
  display.Update(board, board.Apply(event));
  AddScreen(texts, plain.str());
  for (const std::string& line : board.Lines(80, 24)) AddScreen(texts, line);
}

void ShowJob(Texts& texts, const v1::GetJobResponse& job) {
  AddPaged(texts, job, "runs", client::RunGrid(job.runs()),
           [&](bool wide, bool color) { return client::JobPage(job, wide, color); });
  client::ProgressBoard board(job);
  for (const std::string& line : board.Lines(80, 24)) AddScreen(texts, line);
}

void ShowLog(Texts& texts, const v1::GetRunLogResponse& log) {
  std::string text = client::LogText().Append(log.pieces());
  std::erase(text, '\t');  // which moves, but harms nobody
  AddScreen(texts, text);
}

void AddRunAnswers(std::vector<ShownAnswer>& answers) {
  answers.push_back(Shown<v1::GetRunResponse>(ShowRun));
  answers.push_back(Shown<v1::ListRunsResponse>([](Texts& texts, const auto& list) {
    AddPaged(texts, list, "runs", client::RunGrid(list.runs()));
  }));
  answers.push_back(Shown<v1::ListJobsResponse>([](Texts& texts, const auto& list) {
    AddPaged(texts, list, "jobs", client::JobGrid(list.jobs()));
  }));
  answers.push_back(Shown<v1::GetJobResponse>(ShowJob));
  answers.push_back(Shown<v1::GetRunLogResponse>(ShowLog));
  answers.push_back(Shown<v1::ExportRowsResponse>(ShowExport));
  answers.push_back(Shown<v1::JobEvent>(ShowEvent));
  // Said through Session::Say, which is what makes it safe.
  answers.push_back(Shown<v1::SubmitJobResponse>([](Texts& texts, const auto& submitted) {
    AddScreen(texts, client::ErrorText(absl::InternalError(client::ResolvedText(submitted, true))));
    AddPaged(texts, submitted, "runs", client::RunGrid(submitted.runs()));
  }));
}

void AddDeviceAnswers(std::vector<ShownAnswer>& answers) {
  answers.push_back(Shown<v1::ListDevicesResponse>([](Texts& texts, const auto& list) {
    AddPaged(texts, list, "devices", client::DeviceGrid(list.devices()));
  }));
  answers.push_back(Shown<v1::GetDeviceResponse>([](Texts& texts, const auto& device) {
    AddPaged(texts, device, "", client::DeviceGrid(device.device()),
             [&](bool, bool) { return client::DevicePage(device); });
  }));
  answers.push_back(Shown<v1::ListCapabilitiesResponse>([](Texts& texts, const auto& list) {
    AddPaged(texts, list, "", client::CapabilityGrid(list),
             [&](bool, bool color) { return client::CapabilityPage(list, color); });
  }));
  answers.push_back(Shown<v1::ListWorkloadsResponse>([](Texts& texts, const auto& list) {
    AddPaged(texts, list, "presets", client::PresetGrid(list.presets()));
    for (const auto& preset : list.presets()) {
      AddPaged(texts, preset, "", client::KeyGrid(list.keys(), preset), [&](bool wide, bool color) {
        return client::PresetPage(preset, client::KeyGrid(list.keys(), preset), wide, color);
      });
    }
    for (const auto& key : list.keys())
      AddPaged(texts, key, "", client::KeyGrid(key),
               [&](bool, bool) { return client::KeyPage(key); });
  }));
}

void AddComparisons(std::vector<ShownAnswer>& answers) {
  answers.push_back(Shown<v1::GetTableResponse>([](Texts& texts, const auto& table) {
    AddPaged(texts, table, "rows", client::ComparisonGrid(table, true), [&](bool wide, bool color) {
      return client::ComparisonPage(table, true, wide, color);
    });
  }));
  answers.push_back(Shown<v1::Comparison>([](Texts& texts, const auto& comparison) {
    AddPaged(texts, comparison, "", client::ComparisonSummary(comparison),
             [&](bool, bool color) { return client::ComparisonText(comparison, color); });
  }));
  answers.push_back(Shown<v1::GetHistoryResponse>([](Texts& texts, const auto& history) {
    AddPaged(texts, history, "", client::HistoryGrid(history),
             [&](bool wide, bool color) { return client::HistoryPage(history, wide, color); });
  }));
  answers.push_back(Shown<v1::GetMatrixResponse>([](Texts& texts, const auto& matrix) {
    AddPaged(texts, matrix, "cells", client::MatrixGrid(matrix, 1),
             [&](bool wide, bool color) { return client::MatrixPage(matrix, 1, wide, color); });
  }));
}

// Those that are shown as JSON, or said as a sentence.
template <typename T>
ShownAnswer AsJson() {
  return Shown<T>([](Texts& texts, const T& message) {
    texts.push_back({Kind::kJson, client::ToJson(message, true)});
  });
}

}  // namespace

std::vector<ShownAnswer> ShownAnswers() {
  std::vector<ShownAnswer> answers;
  AddRunAnswers(answers);
  AddDeviceAnswers(answers);
  AddComparisons(answers);
  answers.push_back(AsJson<v1::ListSamplesResponse>());
  answers.push_back(AsJson<v1::ImportResultsResponse>());
  answers.push_back(AsJson<v1::ServerInfo>());
  answers.push_back(AsJson<v1::CreateTokenResponse>());
  answers.push_back(AsJson<v1::ListTokensResponse>());
  answers.push_back(AsJson<v1::Token>());
  answers.push_back(AsJson<v1::RemoveHostResponse>());
  answers.push_back(AsJson<v1::ListAuditResponse>());
  answers.push_back(AsJson<v1::BackUpResponse>());
  answers.push_back(AsJson<v1::CheckDatabaseResponse>());
  answers.push_back(AsJson<v1::CollectGarbageResponse>());
  answers.push_back(Shown<v1::Failure>([](Texts& texts, const auto& failure) {
    AddScreen(texts,
              client::ErrorText(absl::InternalError(failure.message() + "\n" + failure.hint())));
  }));
  return answers;
}

std::string DangerOf(const ShownText& shown) {
  std::string danger = TerminalDanger(shown.text);
  if (danger.empty() && shown.kind == Kind::kCsv) danger = FormulaDanger(shown.text);
  if (danger.empty() && shown.kind == Kind::kMarkdown && shown.columns > 0)
    danger = MarkdownDanger(shown.text, shown.columns);
  return danger;
}

}  // namespace laptime::testing
