#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "proto/support/status.h"

namespace laptime::testing {

inline constexpr std::chrono::seconds kPatience{20};

// How a call of any method, "/package.Service/Method", with a message without bytes ends, which is
// a valid one of any type; a stream that goes on is cancelled.
inline absl::Status CallEmpty(const std::shared_ptr<grpc::Channel>& channel,
                              const std::string& method) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  grpc::CompletionQueue queue;
  const auto next = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(nullptr);
  if (next()) {
    grpc::Slice empty;
    call->WriteLast(grpc::ByteBuffer(&empty, 1), grpc::WriteOptions(), nullptr);
    next();
  }
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  if (next()) context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  next();
  return FromGrpc(status);
}

}  // namespace laptime::testing
