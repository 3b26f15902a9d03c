// What people and scripts ask: the number of a method of ControlService, then its request. The real
// handlers answer, without sockets. Runs are called "1" and "2", see coordinator_parts.h.

#include <grpcpp/server_context.h>

#include <functional>
#include <map>

#include "server/control_service.h"
#include "server/export_rows.h"
#include "tests/fuzz/coordinator_parts.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/message_mutator.h"

namespace laptime::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

SeededStore& Seeded() {
  static SeededStore seeded;
  return seeded;
}

const CertificateAuthority& Authority() {
  static const auto* const authority =
      new CertificateAuthority(*CertificateAuthority::Create(1'790'000'000'000));
  return *authority;
}

// A coordinator with its service.
struct Served {
  Served()
      : parts(Seeded().store),
        trust([](const std::string&) { return true; }),
        access(*AccessDesk::Open(Seeded().store, &Authority(), parts.clock, std::chrono::hours(1))),
        service(parts.desk, *access, parts.coordinator, parts.hub, Seeded().store, parts.registry,
                trust, parts.clock, {"laptime.db", 1}) {}

  CoordinatorParts parts;
  Authenticator trust;
  std::unique_ptr<AccessDesk> access;
  ControlService service;
};

// Codes that say that the coordinator itself is at fault.
bool IsFault(grpc::StatusCode code) {
  return code == grpc::StatusCode::INTERNAL || code == grpc::StatusCode::UNKNOWN ||
         code == grpc::StatusCode::DATA_LOSS || code == grpc::StatusCode::UNAVAILABLE;
}

struct Method {
  std::unique_ptr<Message> request;
  std::function<grpc::Status(Served&, const Message&)> call;
};

template <typename Request, typename Response>
Method Unary(grpc::Status (ControlService::*handler)(grpc::ServerContext*, const Request*,
                                                     Response*)) {
  return {std::make_unique<Request>(), [handler](Served& served, const Message& request) {
            static grpc::ServerContext context;
            Response response;
            return (served.service.*handler)(&context, static_cast<const Request*>(&request),
                                             &response);
          }};
}

grpc::Status Export(Served& served, const Message& message) {
  const auto& request = static_cast<const v1::ExportRowsRequest&>(message);
  storage::RunFilter filter;
  auto where =
      storage::RunConditions::Parse(request.filter(), UnixMs(served.parts.clock.WallNow()));
  if (!where.ok()) return {grpc::StatusCode::INVALID_ARGUMENT, ""};
  filter.where = *std::move(where);
  RowExport rows(request.kind(), std::move(filter));
  while (!rows.done()) {
    v1::ExportRowsResponse page;
    const auto read =
        Seeded().store.Read([&](const storage::Reader& reader) { return rows.Next(reader, page); });
    if (!read.ok()) return {static_cast<grpc::StatusCode>(read.code()), ""};
  }
  return grpc::Status::OK;
}

// A watch is a stream of its own: what it reads of its request is the job's id and a number.
grpc::Status Watch(Served& /*served*/, const Message& message) {
  const auto& request = static_cast<const v1::WatchJobRequest&>(message);
  const auto read = Seeded().store.Read([&](const storage::Reader& reader) -> absl::Status {
    const auto id = reader.ResolveJobId(request.id());
    if (!id.ok()) return id.status();
    return reader.Events(*id, request.after_seq(), 100).status();
  });
  return {static_cast<grpc::StatusCode>(read.code()), ""};
}

// What works on the database's file, which is not there; nothing of its request is a text.
grpc::Status OnFiles(Served& /*served*/, const Message& /*message*/) { return grpc::Status::OK; }

const std::map<std::string, Method>& Handlers() {
  using S = ControlService;
  static const auto* const handlers = [] {
    auto* made = new std::map<std::string, Method>;
    const auto add = [made](const std::string& name, Method method) {
      made->emplace(name, std::move(method));
    };
    add("SubmitJob", Unary(&S::SubmitJob));
    add("ListJobs", Unary(&S::ListJobs));
    add("GetJob", Unary(&S::GetJob));
    add("CancelJob", Unary(&S::CancelJob));
    add("WatchJob", {std::make_unique<v1::WatchJobRequest>(), Watch});
    add("ListRuns", Unary(&S::ListRuns));
    add("GetRun", Unary(&S::GetRun));
    add("GetRunLog", Unary(&S::GetRunLog));
    add("ListSamples", Unary(&S::ListSamples));
    add("AnnotateRun", Unary(&S::AnnotateRun));
    add("ExportRows", {std::make_unique<v1::ExportRowsRequest>(), Export});
    add("ListDevices", Unary(&S::ListDevices));
    add("GetDevice", Unary(&S::GetDevice));
    add("ListCapabilities", Unary(&S::ListCapabilities));
    add("UpdateDevice", Unary(&S::UpdateDevice));
    add("ListWorkloads", Unary(&S::ListWorkloads));
    add("GetTable", Unary(&S::GetTable));
    add("CompareRuns", Unary(&S::CompareRuns));
    add("GetHistory", Unary(&S::GetHistory));
    add("GetMatrix", Unary(&S::GetMatrix));
    add("ImportResults", Unary(&S::ImportResults));
    add("GetServerInfo", Unary(&S::GetServerInfo));
    add("CreateToken", Unary(&S::CreateToken));
    add("ListTokens", Unary(&S::ListTokens));
    add("RevokeToken", Unary(&S::RevokeToken));
    add("RemoveHost", Unary(&S::RemoveHost));
    add("ListAudit", Unary(&S::ListAudit));
    add("BackUp", {std::make_unique<v1::BackUpRequest>(), OnFiles});
    add("CheckDatabase", {std::make_unique<v1::CheckDatabaseRequest>(), OnFiles});
    add("CollectGarbage", {std::make_unique<v1::CollectGarbageRequest>(), OnFiles});
    return made;
  }();
  return *handlers;
}

// By the order of the proto: a new method needs a line above before this target runs again.
const std::vector<const Method*>& Methods() {
  static const auto* const methods = [] {
    auto* made = new std::vector<const Method*>;
    const auto* service =
        v1::SubmitJobRequest::descriptor()->file()->FindServiceByName("ControlService");
    for (int i = 0; i < service->method_count(); ++i) {
      const auto found = Handlers().find(service->method(i)->name());
      Must(found != Handlers().end(), service->method(i)->name() + " is not fuzzed");
      made->push_back(&found->second);
    }
    return made;
  }();
  return *methods;
}

const Method& MethodOf(uint8_t number) { return *Methods()[number % Methods().size()]; }

// "1" and "2" in an id or a filter's id=… stand for runs.
void NameRuns(Message& message) {
  for (const char* name : {"id", "run_id"}) {
    const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
    if (field == nullptr || field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
    const auto& reflection = *message.GetReflection();
    reflection.SetString(&message, field, Seeded().RealRun(reflection.GetString(message, field)));
  }
}

}  // namespace
}  // namespace laptime::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  using namespace laptime::fuzz;
  const auto type = [](uint8_t number) -> const google::protobuf::Message& {
    return *MethodOf(number).request;
  };
  return MutateTyped(type, data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace laptime::fuzz;
  Input input(data, size);
  const Method& method = MethodOf(input.Byte());
  const std::unique_ptr<google::protobuf::Message> request(method.request->New());
  if (!request->ParseFromString(input.Rest())) return 0;
  NameRuns(*request);
  {
    Served served;
    const grpc::Status status = method.call(served, *request);
    Must(!IsFault(status.error_code()),
         "a request is the caller's to answer for: " + status.error_message());
  }
  Seeded().store.Reset();
  return 0;
}
