#include <algorithm>

#include "client/columns.h"
#include "client/commands.h"

namespace laptime::client {
namespace {

using v1::ServerInfo;

std::vector<Column<ServerInfo>> InfoColumns() {
  using Info = ServerInfo;
  return {
      TextColumn<Info>("version", "VERSION", [](const Info& i) { return i.version(); }),
      TimeColumn<Info>("started_unix_ms", "STARTED",
                       [](const Info& i) { return std::optional<int64_t>(i.started_unix_ms()); }),
      NumberColumn<Info>("hosts_attached", "HOSTS",
                         [](const Info& i) { return i.hosts_attached(); }),
      NumberColumn<Info>("devices", "DEVICES", [](const Info& i) { return i.devices(); }),
      NumberColumn<Info>("jobs", "JOBS", [](const Info& i) { return i.jobs(); }),
      NumberColumn<Info>("runs", "RUNS", [](const Info& i) { return i.runs(); }),
      TextColumn<Info>("database", "DATABASE", [](const Info& i) { return i.database(); }),
      NumberColumn<Info>("schema_version", "SCHEMA",
                         [](const Info& i) { return i.schema_version(); }),
      MeasuredColumn<Info>(
          "database_bytes", "SIZE",
          [](const Info& i) { return std::optional<double>(i.database_bytes()); }, Bytes),
      TextColumn<Info>("sqlite_version", "SQLITE",
                       [](const Info& i) { return i.sqlite_version(); }),
      TextColumn<Info>("grpc_version", "GRPC", [](const Info& i) { return i.grpc_version(); }),
      NumberColumn<Info>("protocol", "PROTOCOL", [](const Info& i) { return i.protocol(); }),
  };
}

std::string InfoPage(const Session& session, const ServerInfo& info) {
  const Setting& server = session.settings().at("server");
  return RenderFacts({{"address", server.value + " (" + server.origin + ")"},
                      {"version", info.version()},
                      {"started", LocalTime(info.started_unix_ms())},
                      {"hosts attached", std::to_string(info.hosts_attached())},
                      {"devices", std::to_string(info.devices())},
                      {"jobs", std::to_string(info.jobs())},
                      {"runs", std::to_string(info.runs())},
                      {"database", info.database() + ", " + Bytes(info.database_bytes()) +
                                       ", schema " + std::to_string(info.schema_version())},
                      {"sqlite", info.sqlite_version()},
                      {"grpc", info.grpc_version()},
                      {"protocol", std::to_string(std::max(1, info.protocol()))}});
}

}  // namespace

int RunServerInfo(Session& session) {
  const auto info = session.Call(&Session::Stub::GetServerInfo, v1::GetServerInfoRequest());
  if (!info.ok()) return session.Fail(info.status());
  const auto page = [&](bool, bool) { return InfoPage(session, *info); };
  return session.Print({&*info, "", MakeGrid(InfoColumns(), std::vector<ServerInfo>{*info}), page});
}

}  // namespace laptime::client
