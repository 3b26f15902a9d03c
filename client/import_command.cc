#include "client/columns.h"
#include "client/commands.h"
#include "client/exit_codes.h"
#include "client/input_file.h"
#include "proto/support/channel.h"

namespace laptime::client {
namespace {

// What one request can carry, less room for its frame.
constexpr size_t kMaxImportBytes = kMaxMessageBytes - 1024;

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
  absl::StatusOr<std::string> text =
      ReadInput(session.console().in, options.file, kMaxImportBytes, "split it into several files");
  if (!text.ok()) return session.Fail(text.status());
  v1::ImportResultsRequest request;
  request.set_json_lines(*std::move(text));
  const auto response = session.Call(&Session::Stub::ImportResults, request);
  if (!response.ok()) return session.Fail(response.status());
  return session.Print({&*response, "", CountGrid(*response), nullptr});
}

}  // namespace laptime::client
