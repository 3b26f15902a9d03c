#include "server/security/method_access.h"

#include <algorithm>
#include <array>

namespace laptime {
namespace {

struct Row {
  std::string_view method;
  Access access;
};

// In the order of the proto files.
constexpr Row kTable[] = {
    {"laptime.v1.EnrollService.Join", Access::kAnyone},  // the token in it is checked instead
    {"laptime.v1.EnrollService.Renew", Access::kAgent},
    {"laptime.v1.AgentService.Attach", Access::kAgent},
    {"laptime.v1.ControlService.SubmitJob", Access::kUser},
    {"laptime.v1.ControlService.ListJobs", Access::kViewer},
    {"laptime.v1.ControlService.GetJob", Access::kViewer},
    {"laptime.v1.ControlService.CancelJob", Access::kUser},
    {"laptime.v1.ControlService.WatchJob", Access::kViewer},
    {"laptime.v1.ControlService.ListRuns", Access::kViewer},
    {"laptime.v1.ControlService.GetRun", Access::kViewer},
    {"laptime.v1.ControlService.GetRunLog", Access::kViewer},
    {"laptime.v1.ControlService.ListSamples", Access::kViewer},
    {"laptime.v1.ControlService.AnnotateRun", Access::kUser},
    {"laptime.v1.ControlService.ExportRows", Access::kViewer},
    {"laptime.v1.ControlService.ListDevices", Access::kViewer},
    {"laptime.v1.ControlService.GetDevice", Access::kViewer},
    {"laptime.v1.ControlService.UpdateDevice", Access::kAdmin},
    {"laptime.v1.ControlService.ListCapabilities", Access::kViewer},
    {"laptime.v1.ControlService.ListWorkloads", Access::kViewer},
    {"laptime.v1.ControlService.GetTable", Access::kViewer},
    {"laptime.v1.ControlService.CompareRuns", Access::kViewer},
    {"laptime.v1.ControlService.GetHistory", Access::kViewer},
    {"laptime.v1.ControlService.GetMatrix", Access::kViewer},
    {"laptime.v1.ControlService.ImportResults", Access::kUser},
    {"laptime.v1.ControlService.GetServerInfo", Access::kViewer},
    {"laptime.v1.ControlService.CreateToken", Access::kAdmin},
    {"laptime.v1.ControlService.ListTokens", Access::kAdmin},
    {"laptime.v1.ControlService.RevokeToken", Access::kAdmin},
    {"laptime.v1.ControlService.RemoveHost", Access::kAdmin},
    {"laptime.v1.ControlService.ListAudit", Access::kAdmin},
    {"laptime.v1.ControlService.BackUp", Access::kAdmin},
    {"laptime.v1.ControlService.CheckDatabase", Access::kAdmin},
    {"laptime.v1.ControlService.CollectGarbage", Access::kAdmin},
};

const Row* Find(std::string_view method) {
  const Row* row = std::ranges::find(kTable, method, &Row::method);
  return row == std::end(kTable) ? nullptr : row;
}

}  // namespace

Access AccessTo(std::string_view method) {
  const Row* row = Find(method);
  return row == nullptr ? Access::kAdmin : row->access;
}

bool HasAccessRow(std::string_view method) { return Find(method) != nullptr; }

bool Allows(Access access, v1::Role role) {
  switch (access) {
    case Access::kAnyone:
      return true;
    case Access::kAgent:
      return role == v1::ROLE_AGENT;
    case Access::kViewer:
      return role >= v1::ROLE_VIEWER;
    case Access::kUser:
      return role >= v1::ROLE_USER;
    case Access::kAdmin:
      return role >= v1::ROLE_ADMIN;
  }
  return false;
}

}  // namespace laptime
