#include <fstream>
#include <istream>
#include <iterator>

#include "client/columns.h"
#include "client/commands.h"
#include "client/exit_codes.h"
#include "proto/support/channel.h"

namespace laptime::client {
namespace {

// What one request can carry, less room for its frame.
constexpr size_t kMaxImportBytes = kMaxMessageBytes - 1024;

absl::Status TooLarge(const std::string& file) {
  return WithHint(absl::StatusCode::kInvalidArgument,
                  "import " + file + ": more than " + std::to_string(kMaxImportBytes) + " bytes",
                  "split it into several files");
}

// At most one byte more than may be imported, so that an endless input ends.
std::string ReadAtMost(std::istream& in) {
  std::string text(kMaxImportBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

absl::StatusOr<std::string> Read(Session& session, const std::string& file) {
  std::string text;
  if (file == "-") {
    text = ReadAtMost(session.console().in);
  } else {
    std::ifstream in(file, std::ios::binary);
    if (in.good()) text = ReadAtMost(in);
    if (!in.is_open() || in.bad()) {
      return WithHint(absl::StatusCode::kInvalidArgument, "import " + file + ": cannot be read",
                      "name a file of JSON lines, or - for standard input");
    }
  }
  if (text.size() > kMaxImportBytes) return TooLarge(file);
  return text;
}

Grid CountGrid(const v1::ImportResultsResponse& response) {
  using Response = v1::ImportResultsResponse;
  const std::vector<Column<Response>> columns{
      NumberColumn<Response>("imported", "IMPORTED",
                             [](const Response& r) { return r.imported(); }),
      NumberColumn<Response>("already_there", "ALREADY THERE",
                             [](const Response& r) { return r.already_there(); })};
  return MakeGrid(columns, std::vector<Response>{response});
}

}  // namespace

int RunImport(Session& session, const ImportOptions& options) {
  absl::StatusOr<std::string> text = Read(session, options.file);
  if (!text.ok()) return session.Fail(text.status());
  v1::ImportResultsRequest request;
  request.set_json_lines(*std::move(text));
  const auto response = session.Call(&Session::Stub::ImportResults, request);
  if (!response.ok()) return session.Fail(response.status());
  return session.Print({&*response, "", CountGrid(*response), nullptr});
}

}  // namespace laptime::client
