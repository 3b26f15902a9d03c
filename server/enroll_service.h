#pragma once

#include "laptime/v1/access.grpc.pb.h"
#include "server/security/access_desk.h"
#include "server/security/auth.h"

namespace laptime {

// Adapts joining machines' calls. Handlers block on the database.
class EnrollService : public v1::EnrollService::Service {
 public:
  EnrollService(AccessDesk& desk, const Authenticator& authenticator)
      : desk_(desk), authenticator_(authenticator) {}

  grpc::Status Join(grpc::ServerContext*, const v1::JoinRequest*, v1::JoinResponse*) override;
  grpc::Status Renew(grpc::ServerContext*, const v1::RenewRequest*, v1::JoinResponse*) override;

 private:
  AccessDesk& desk_;
  const Authenticator& authenticator_;
};

}  // namespace laptime
