#include <google/protobuf/stubs/common.h>
#include <grpcpp/grpcpp.h>

#include "client/columns.h"
#include "client/commands.h"
#include "proto/support/channel.h"

namespace laptime::client {
namespace {

using Entry = std::pair<std::string, std::string>;

std::string ProtobufVersion() {
  return google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION);
}

}  // namespace

int RunVersion(Session& session) {
  std::vector<Entry> versions{{"laptime", kVersion}};
  if (session.options().verbose) {
    versions.emplace_back("grpc", grpc::Version());
    versions.emplace_back("protobuf", ProtobufVersion());
  }
  const std::vector<Column<Entry>> columns{
      TextColumn<Entry>("name", "PROGRAM", [](const Entry& e) { return e.first; }),
      TextColumn<Entry>("version", "VERSION", [](const Entry& e) { return e.second; })};
  const auto page = [&versions](bool, bool) {
    std::string text;
    for (const Entry& entry : versions) text += entry.first + " " + entry.second + "\n";
    return text;
  };
  return session.Print({nullptr, "versions", MakeGrid(columns, versions), page});
}

}  // namespace laptime::client
