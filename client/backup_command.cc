#include <grpcpp/client_context.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>

#include "client/columns.h"
#include "client/commands.h"
#include "client/exit_codes.h"
#include "client/received_file.h"
#include "proto/support/sha256.h"

namespace laptime::client {
namespace {

using v1::BackupEnd;

// Of what is there already: only a person, or --yes, lets it be replaced.
absl::Status MayReplace(Session& session, const std::string& file) {
  std::error_code unknown;
  if (!std::filesystem::exists(file, unknown) || session.options().yes) return absl::OkStatus();
  if (session.can_ask() && session.Confirm("replace " + file + "?")) return absl::OkStatus();
  return WithHint(absl::StatusCode::kAlreadyExists, file + " is there already",
                  "--yes replaces it once the new backup is whole");
}

absl::Status Damaged(const std::string& why) {
  return WithHint(absl::StatusCode::kDataLoss, "the backup did not arrive whole: " + why,
                  "nothing was kept of it; try again");
}

// Fills `file` with what the stream brings, to its end, or cancels it where that cannot be written;
// what the coordinator said of it at the end.
absl::StatusOr<BackupEnd> Receive(grpc::ClientReader<v1::BackUpResponse>& stream,
                                  ReceivedFile& file, grpc::ClientContext& context) {
  Sha256Digest digest;
  double bytes = 0;
  std::optional<BackupEnd> end;
  v1::BackUpResponse response;
  while (stream.Read(&response)) {
    if (response.has_end()) end = response.end();
    if (absl::Status written = file.Append(response.data()); !written.ok()) {
      context.TryCancel();
      return written;
    }
    digest.Update(response.data().data(), response.data().size());
    bytes += static_cast<double>(response.data().size());
  }
  if (!end) return Damaged("it broke off");
  if (bytes != end->bytes() || digest.Finish() != end->sha256()) return Damaged("it was changed");
  return *end;
}

Grid EndGrid(const BackupEnd& end, const std::string& file) {
  const std::vector<Column<BackupEnd>> columns{
      TextColumn<BackupEnd>("file", "FILE", [&file](const BackupEnd&) { return file; }),
      MeasuredColumn<BackupEnd>(
          "bytes", "SIZE", [](const BackupEnd& e) { return std::optional<double>(e.bytes()); },
          Bytes),
      NumberColumn<BackupEnd>("schema_version", "SCHEMA",
                              [](const BackupEnd& e) { return e.schema_version(); }),
      TextColumn<BackupEnd>("sha256", "SHA-256", [](const BackupEnd& e) { return e.sha256(); })};
  return MakeGrid(columns, std::vector<BackupEnd>{end});
}

}  // namespace

int RunServerBackup(Session& session, const ServerBackupOptions& options) {
  if (absl::Status may = MayReplace(session, options.file); !may.ok()) return session.Fail(may);
  const std::stop_token interrupted = session.interrupt().Take();
  auto file = ReceivedFile::Create(options.file);
  if (!file.ok()) return session.Fail(file.status());

  grpc::ClientContext context;
  if (const auto limit = session.wait_limit())
    context.set_deadline(std::chrono::system_clock::now() + *limit);
  const std::stop_callback cancel(interrupted, [&context] { context.TryCancel(); });
  const auto stream = session.stub().BackUp(&context, v1::BackUpRequest());
  const absl::StatusOr<BackupEnd> end = Receive(*stream, **file, context);
  const absl::Status call = FromGrpc(stream->Finish());
  if (interrupted.stop_requested()) {
    session.Say("interrupted; nothing was kept");
    return kExitInterrupted;
  }
  if (!call.ok() && !absl::IsCancelled(call)) return session.Fail(session.Explain(call));
  if (!end.ok()) return session.Fail(end.status());
  if (absl::Status kept = (*file)->Finish(); !kept.ok()) return session.Fail(kept);
  return session.Print({&*end, "", EndGrid(*end, options.file), nullptr});
}

}  // namespace laptime::client
