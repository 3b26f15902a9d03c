// SQL and path injections in every text of every request of ControlService, against a real
// coordinator: what is asked for is all that happens.

#include <google/protobuf/text_format.h>
#include <grpcpp/generic/generic_stub.h>

#include "proto/support/status.h"
#include "tests/integration/injection/payloads.h"
#include "tests/integration/injection/text_fields.h"
#include "tests/integration/injection/victim.h"
#include "tests/testing/promise_row.h"

namespace laptime::testing {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

// Requests that are right, so that what is put into them is looked at. A method that is not here
// gets its payloads in an empty request.
const std::map<std::string, std::string>& RightRequests() {
  static const std::map<std::string, std::string> requests = {
      {"SubmitJob",
       R"(workload: "simclr-cifar10" settings { key: "epochs" value: "2" } selectors: "box/cpu")"},
      {"ListJobs", "page_size: 5"},
      {"GetJob", R"(id: "last")"},
      {"CancelJob", R"(id: "none")"},
      {"WatchJob", R"(id: "none")"},
      {"ListRuns", R"(devices: "box/cpu" workload: "simclr-cifar10" filter: "state=succeeded")"},
      {"GetRun", R"(id: "last")"},
      {"GetRunLog", R"(id: "last")"},
      {"ListSamples", R"(run_id: "last")"},
      {"AnnotateRun", R"(id: "last" text: "a remark" author: "me")"},
      {"ExportRows", R"(kind: EXPORT_KIND_EPOCHS filter: "state=succeeded")"},
      {"ListDevices", R"(selectors: "box/cpu")"},
      {"GetDevice", R"(id: "box/cpu")"},
      {"ListCapabilities", R"(selectors: "box/cpu")"},
      {"UpdateDevice", R"(id: "box/cpu" new_name: "cpu")"},
      {"GetTable", R"(workload: "simclr-cifar10")"},
      {"CompareRuns", R"(a: "device=box/cpu" b: "device=box/cpu")"},
      {"GetHistory", R"(devices: "box/cpu" workload: "simclr-cifar10" filter: "state=succeeded")"},
      {"GetMatrix",
       R"(devices: "box/cpu" workloads: "simclr-cifar10" settings { key: "epochs" value: "1" })"},
  };
  return requests;
}

// Texts of people, which may be anything. Every other one names something, and what a payload names
// is not there.
bool IsFree(const std::string& method, const std::string& field) {
  static const std::set<std::string> free = {"SubmitJob.idempotency_key", "AnnotateRun.text",
                                             "AnnotateRun.author"};
  return free.contains(method + "." + field);
}

// Rows of its lists: what was given away.
int RowsOf(const Message& message) {
  int rows = 0;
  const auto& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->is_repeated())
      rows += message.GetReflection()->FieldSize(message, type.field(i));
  }
  return rows;
}

struct Answer {
  absl::Status status;
  int rows = 0;
};

class ControlInjectionTest : public VictimTest {
 protected:
  // Any method, unary or streaming, by its descriptor.
  Answer Call(const MethodDescriptor& method, const Message& request) {
    grpc::GenericStub stub(channel_);
    grpc::CompletionQueue queue;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    auto call = stub.PrepareCall(
        &context,
        "/" + std::string(method.service()->full_name()) + "/" + std::string(method.name()),
        &queue);
    const auto wait = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    call->StartCall(nullptr);
    wait();
    const grpc::Slice bytes(request.SerializeAsString());
    call->WriteLast(grpc::ByteBuffer(&bytes, 1), grpc::WriteOptions(), nullptr);
    wait();
    Answer answer;
    const std::unique_ptr<Message> response(google::protobuf::MessageFactory::generated_factory()
                                                ->GetPrototype(method.output_type())
                                                ->New());
    grpc::ByteBuffer read;
    for (call->Read(&read, nullptr); wait(); call->Read(&read, nullptr)) {
      grpc::Slice whole;
      if (read.DumpToSingleSlice(&whole).ok() &&
          response->ParseFromArray(whole.begin(), static_cast<int>(whole.size())))
        answer.rows += RowsOf(*response);
    }
    grpc::Status status;
    call->Finish(&status, nullptr);
    wait();
    answer.status = FromGrpc(status);
    return answer;
  }

  static std::unique_ptr<Message> RightRequest(const MethodDescriptor& method) {
    std::unique_ptr<Message> request(google::protobuf::MessageFactory::generated_factory()
                                         ->GetPrototype(method.input_type())
                                         ->New());
    const auto right = RightRequests().find(std::string(method.name()));
    if (right != RightRequests().end()) {
      EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(right->second, request.get()));
    }
    return request;
  }

  // Puts every payload into every text of the method's request. How many calls that were.
  int Attack(const MethodDescriptor& method, const std::vector<Payload>& payloads) {
    const std::string name(method.name());
    int calls = 0;
    int64_t done = 0;
    for (const TextField& field : TextFields(*method.input_type())) {
      for (const Payload& payload : payloads) {
        const auto request = RightRequest(method);
        PutText(*request, field, payload.text);
        const Answer answer = Call(method, *request);
        ++calls;
        if (answer.status.ok()) ++done;
        Judge(name, field, payload, answer);
      }
    }
    ExpectNoEffects(name, GrowthOf(name, done), MayGrow(name));
    return calls;
  }

  static void Judge(const std::string& method, const TextField& field, const Payload& payload,
                    const Answer& answer) {
    const std::string what = method + "." + field.name + " <- " + payload.text;
    const bool typed = answer.status.code() != absl::StatusCode::kInternal &&
                       answer.status.code() != absl::StatusCode::kUnknown &&
                       answer.status.code() != absl::StatusCode::kDataLoss &&
                       answer.status.code() != absl::StatusCode::kUnavailable &&
                       answer.status.code() != absl::StatusCode::kDeadlineExceeded;
    EXPECT_TRUE(typed) << what << ": " << answer.status;
    // Wildcards are part of what may be asked.
    if (IsFree(method, field.name) || payload.family == "wildcards") return;
    EXPECT_TRUE(!answer.status.ok() || answer.rows == 0) << what << " gave " << answer.rows;
  }

  // Rows that so many calls that were answered well have made.
  static std::map<std::string, int64_t> GrowthOf(const std::string& method, int64_t done) {
    if (method == "SubmitJob") return {{"job", done}, {"run", done}};
    if (method == "AnnotateRun") return {{"annotation", done}};
    return {};
  }
  static std::set<std::string> MayGrow(const std::string& method) {
    // Who asked for what is noted, well answered or not.
    if (method == "SubmitJob") return {"event", "workload", "audit"};
    return {"audit"};
  }

  int AttackAll(const std::vector<Payload>& payloads) {
    int calls = 0;
    const auto* service =
        v1::SubmitJobRequest::descriptor()->file()->FindServiceByName("ControlService");
    for (int i = 0; i < service->method_count(); ++i)
      calls += Attack(*service->method(i), payloads);
    return calls;
  }
};

// A fixture that never asks for anything would pass everything.
TEST_F(ControlInjectionTest, WhatIsRightIsAnswered) {
  const auto* service =
      v1::SubmitJobRequest::descriptor()->file()->FindServiceByName("ControlService");
  for (const auto& [name, text] : RightRequests()) {
    const MethodDescriptor* method = service->FindMethodByName(name);
    ASSERT_NE(method, nullptr) << name;
    const Answer answer = Call(*method, *RightRequest(*method));
    // There is one run only, and it is found on both sides.
    if (name == "CompareRuns") {
      EXPECT_THAT(answer.status, StatusIs(absl::StatusCode::kInvalidArgument,
                                          ::testing::HasSubstr("is on both sides")));
      continue;
    }
    const bool none = text.find("\"none\"") != std::string::npos;
    EXPECT_EQ(answer.status.code(), none ? absl::StatusCode::kNotFound : absl::StatusCode::kOk)
        << name << ": " << answer.status;
  }
}

TEST_F(ControlInjectionTest, NoSqlInAnyTextOfAnyRequestDoesAnything) {
  const int calls = AttackAll(SqlPayloads(outside()));
  PrintTried("S7", "SQL injections in every text of every request", calls, HasFailure());
  EXPECT_GE(calls, 500);
}

TEST_F(ControlInjectionTest, NoPathInAnyTextOfAnyRequestTouchesAFile) {
  const int calls = AttackAll(PathPayloads(outside()));
  PrintTried("S8", "path traversals in every text of every request", calls, HasFailure());
  EXPECT_GE(calls, 200);
}

// Texts within the lines of an import, which are stored.
TEST_F(ControlInjectionTest, NoTextOfAnImportDoesMoreThanBeStored) {
  std::vector<Payload> payloads = SqlPayloads(outside());
  for (Payload& path : PathPayloads(outside())) payloads.push_back(std::move(path));
  int calls = 0;
  int64_t stored = 0;
  for (const char* field : {"source", "host", "device", "kind", "model", "workload", "precision",
                            "software", "notes", "derived_from"}) {
    for (const Payload& payload : payloads) {
      google::protobuf::Struct line;
      auto& fields = *line.mutable_fields();
      fields["source"].set_string_value("a lab");
      fields["device"].set_string_value("gpu");
      fields["kind"].set_string_value("cuda");
      fields["workload"].set_string_value("simclr-cifar10");
      fields["epoch_seconds"].mutable_list_value()->add_values()->set_number_value(++calls);
      fields[field].set_string_value(payload.text);
      v1::ImportResultsRequest request;
      ASSERT_TRUE(
          google::protobuf::util::MessageToJsonString(line, request.mutable_json_lines()).ok());
      grpc::ClientContext context;
      v1::ImportResultsResponse response;
      const absl::Status status = FromGrpc(control_->ImportResults(&context, request, &response));
      EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kInvalidArgument)
          << field << " <- " << payload.text << ": " << status;
      stored += response.imported();
    }
  }
  ExpectNoEffects("ImportResults", {{"result_import", stored}}, {"audit"});
  PrintTried("S7", "injections in imported lines, " + std::to_string(stored) + " stored as text",
             calls, HasFailure());
  EXPECT_GT(stored, 100);
}

// What was stored is what was sent, to the last byte.
TEST_F(ControlInjectionTest, WhatIsStoredIsTheTextThatWasSent) {
  for (const Payload& payload : SqlPayloads(outside())) {
    // Remarks take no control characters.
    if (payload.text.find('\0') != std::string::npos) continue;
    grpc::ClientContext context;
    v1::AnnotateRunRequest request;
    request.set_id(done_.run_id());
    request.set_text(payload.text);
    v1::GetRunResponse run;
    const absl::Status status = FromGrpc(control_->AnnotateRun(&context, request, &run));
    if (!status.ok()) continue;
    EXPECT_EQ(run.annotations(run.annotations_size() - 1).text(), payload.text);
  }
}

}  // namespace
}  // namespace laptime::testing
