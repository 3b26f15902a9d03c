#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include "proto/support/sha256.h"
#include "proto/support/status.h"
#include "server/answer.h"
#include "server/control_service.h"
#include "storage/backup.h"
#include "storage/check.h"
#include "storage/retention.h"

namespace laptime {
namespace {

constexpr int kMostUpkeep =
    2;  // at the same time: each holds a thread of the server, and a snapshot
constexpr size_t kPieceBytes = size_t{1} << 20;

absl::Status TooMany() {
  return WithHint(absl::StatusCode::kResourceExhausted,
                  "server: " + std::to_string(kMostUpkeep) +
                      " backups, checks or collections are under way already",
                  "try again when one of them has ended");
}

// Fails once the client is gone, or its credentials are.
using Send = std::function<absl::Status(const v1::BackUpResponse&)>;

absl::Status SendAll(storage::Backup& backup, int schema_version, const Send& send) {
  Sha256Digest digest;
  v1::BackUpResponse response;
  while (true) {
    absl::StatusOr<std::string> piece = backup.Read(kPieceBytes);
    if (!piece.ok()) return piece.status();
    if (piece->empty()) break;
    digest.Update(piece->data(), piece->size());
    response.set_data(*std::move(piece));
    LAPTIME_RETURN_IF_ERROR(send(response));
  }
  v1::BackupEnd& end = *response.mutable_end();
  end.set_bytes(static_cast<double>(backup.bytes()));
  end.set_sha256(digest.Finish());
  end.set_schema_version(schema_version);
  return send(response);
}

}  // namespace

grpc::Status ControlService::BackUp(grpc::ServerContext* context, const v1::BackUpRequest*,
                                    grpc::ServerWriter<v1::BackUpResponse>* writer) {
  return Change(*context, "BackUp", "", [&](const Caller& caller) -> absl::Status {
    const Slot slot(upkeep_);
    if (slot.number() > kMostUpkeep) return TooMany();
    auto backup =
        storage::Backup::Make(facts_.database, [context] { return context->IsCancelled(); });
    if (!backup.ok()) return backup.status();
    absl::Status sent = SendAll(**backup, store_.schema_version(),
                                [&](const v1::BackUpResponse& response) -> absl::Status {
                                  if (!authenticator_.StillGood(caller))
                                    return CredentialsRevoked();
                                  if (writer->Write(response)) return absl::OkStatus();
                                  return absl::CancelledError("nobody takes the backup");
                                });
    spdlog::info("backup of {} bytes to {}: {}", (*backup)->bytes(), context->peer(),
                 sent.ok() ? "sent" : MessageOf(sent));
    return sent;
  });
}

grpc::Status ControlService::CheckDatabase(grpc::ServerContext* context,
                                           const v1::CheckDatabaseRequest*,
                                           v1::CheckDatabaseResponse* response) {
  return Change(*context, "CheckDatabase", "", [&](const Caller&) -> absl::Status {
    const Slot slot(upkeep_);
    if (slot.number() > kMostUpkeep) return TooMany();
    auto checked =
        storage::CheckDatabase(facts_.database, [context] { return context->IsCancelled(); });
    if (!checked.ok()) return checked.status();
    *response = *std::move(checked);
    return absl::OkStatus();
  });
}

grpc::Status ControlService::CollectGarbage(grpc::ServerContext* context,
                                            const v1::CollectGarbageRequest* request,
                                            v1::CollectGarbageResponse* response) {
  return Change(*context, "CollectGarbage", request->dry_run() ? "(dry run)" : "",
                [&](const Caller&) -> absl::Status {
                  const Slot slot(upkeep_);
                  if (slot.number() > kMostUpkeep) return TooMany();
                  auto collected = storage::CollectGarbage(
                      store_, facts_.database, *request, UnixMs(clock_.WallNow()),
                      [context] { return context->IsCancelled(); });
                  if (!collected.ok()) return collected.status();
                  *response = *std::move(collected);
                  if (!request->dry_run()) {
                    spdlog::info("gc: {} samples and {} bytes of logs of {} runs removed",
                                 response->samples(), response->log_bytes(), response->runs());
                  }
                  return absl::OkStatus();
                });
}

}  // namespace laptime
