#include <google/protobuf/repeated_ptr_field.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <ostream>
#include <stop_token>
#include <utility>

#include "client/commands.h"
#include "client/exit_codes.h"
#include "client/flat_columns.h"
#include "client/json.h"
#include "client/where.h"

namespace laptime::client {
namespace {

using google::protobuf::Message;

struct Kind {
  const char* name;
  v1::ExportKind number;
  const google::protobuf::Descriptor* row;
};

// The grammar lets no other name through.
Kind KindOf(const std::string& name) {
  if (name == "epochs") return {"epochs", v1::EXPORT_KIND_EPOCHS, v1::EpochRow::descriptor()};
  if (name == "samples") return {"samples", v1::EXPORT_KIND_SAMPLES, v1::SampleRow::descriptor()};
  return {"runs", v1::EXPORT_KIND_RUNS, v1::Run::descriptor()};
}

// --format, or the output where that is one of the two; else csv, unless -o asks for another.
absl::StatusOr<Format> FormatFor(const Session& session, const ExportOptions& options) {
  if (!options.format.empty()) return *FormatFromName(options.format);
  const Format chosen = session.look().format;
  if (chosen == Format::kCsv || chosen == Format::kJsonLines) return chosen;
  if (!session.format_named()) return Format::kCsv;
  return WithHint(absl::StatusCode::kInvalidArgument,
                  "export: rows are written as csv or jsonl, not " + session.setting("output"),
                  "--format csv, or --format jsonl");
}

// The text of rows, in the order in which they come.
class RowText {
 public:
  static absl::StatusOr<RowText> Create(const Kind& kind, Format format,
                                        const std::vector<std::string>& fields) {
    const std::vector<FlatColumn> all = FlatColumns(*kind.row);
    if (fields.empty()) return RowText(format, all);
    if (format == Format::kJsonLines) {
      return WithHint(absl::StatusCode::kInvalidArgument,
                      "--fields: lines of JSON hold whole messages", "--format csv takes --fields");
    }
    absl::StatusOr<std::vector<FlatColumn>> chosen = ChooseColumns(all, fields);
    if (!chosen.ok()) return chosen.status();
    return RowText(format, *std::move(chosen));
  }

  std::string Header() const {
    return format_ == Format::kCsv ? CsvHeader(columns_) + "\n" : std::string();
  }

  std::string Lines(const v1::ExportRowsResponse& page) {
    std::string text;
    Add(page.runs(), text);
    Add(page.epochs(), text);
    Add(page.samples(), text);
    return text;
  }

  int64_t rows() const { return rows_; }

 private:
  RowText(Format format, std::vector<FlatColumn> columns)
      : format_(format), columns_(std::move(columns)) {}

  template <typename Row>
  void Add(const google::protobuf::RepeatedPtrField<Row>& rows, std::string& text) {
    for (const Message& row : rows) {
      text += format_ == Format::kCsv ? CsvLine(columns_, row) : ToJson(row, false);
      text += '\n';
      ++rows_;
    }
  }

  Format format_;
  std::vector<FlatColumn> columns_;
  int64_t rows_ = 0;
};

enum class Output { kTaken, kClosed, kFull };

// Whole lines, or none once nobody takes them: `| head` is satisfied, a full disk is an error.
Output Write(std::ostream& out, const std::string& text) {
  errno = 0;
  out << text << std::flush;
  if (out.good()) return Output::kTaken;
  return errno == EPIPE ? Output::kClosed : Output::kFull;
}

absl::Status BrokeOff(const absl::Status& status, int64_t rows) {
  if (rows == 0) return status;
  return WithHint(
      status.code(),
      "the export broke off after " + std::to_string(rows) + " rows: " + MessageOf(status),
      HintOf(status));
}

}  // namespace

int RunExport(Session& session, const ExportOptions& options) {
  const absl::StatusOr<Format> format = FormatFor(session, options);
  if (!format.ok()) return session.Fail(format.status());
  const Kind kind = KindOf(options.kind);
  absl::StatusOr<RowText> text = RowText::Create(kind, *format, session.look().fields);
  if (!text.ok()) return session.Fail(text.status());

  v1::ExportRowsRequest request;
  request.set_kind(kind.number);
  request.set_filter(JoinConditions(options.where));
  grpc::ClientContext context;
  if (const auto limit = session.wait_limit())
    context.set_deadline(std::chrono::system_clock::now() + *limit);
  const std::stop_token interrupted = session.interrupt().Take();
  const std::stop_callback cancel(interrupted, [&context] { context.TryCancel(); });
  const auto rows = session.stub().ExportRows(&context, request);

  v1::ExportRowsResponse page;
  Output output = Output::kTaken;
  bool begun = false;
  while (output == Output::kTaken && !interrupted.stop_requested() && rows->Read(&page)) {
    const std::string header = begun ? "" : text->Header();
    output = Write(session.console().out, header + text->Lines(page));
    begun = true;
  }
  if (output != Output::kTaken) context.TryCancel();
  const absl::Status end = FromGrpc(rows->Finish());
  if (output == Output::kClosed) return kExitOk;
  if (output == Output::kFull) return session.Fail(CannotPrint());
  if (interrupted.stop_requested()) {
    session.Say("interrupted after " + std::to_string(text->rows()) + " rows");
    return kExitInterrupted;
  }
  if (!end.ok()) return session.Fail(BrokeOff(session.Explain(end), text->rows()));
  if (!begun && Write(session.console().out, text->Header()) == Output::kFull)
    return session.Fail(CannotPrint());
  session.Note(std::to_string(text->rows()) + " " + kind.name);
  return kExitOk;
}

}  // namespace laptime::client
