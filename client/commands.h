#pragma once

#include "client/options.h"
#include "client/session.h"

namespace laptime::client {

// One function per command; each returns the exit code. Implemented in one file per noun,
// x_command.cc.

int RunUp(Session& session, const UpOptions& options);
int RunSubmit(Session& session, const SubmitOptions& options);

int RunJobList(Session& session, const JobListOptions& options);
int RunJobShow(Session& session, const IdOptions& options);
int RunJobWatch(Session& session, const IdOptions& options);
int RunJobWait(Session& session, const IdOptions& options);
int RunJobCancel(Session& session, const IdOptions& options);

int RunRunList(Session& session, const RunListOptions& options);
int RunRunShow(Session& session, const IdOptions& options);
int RunRunWatch(Session& session, const IdOptions& options);
int RunRunLogs(Session& session, const RunLogsOptions& options);
int RunRunExport(Session& session, const RunExportOptions& options);
int RunRunVerify(Session& session, const RunVerifyOptions& options);
int RunRunAnnotate(Session& session, const RunAnnotateOptions& options);

int RunDeviceList(Session& session, const DeviceListOptions& options);
int RunDeviceShow(Session& session, const IdOptions& options);
int RunDeviceCapabilities(Session& session, const DeviceListOptions& options);
int RunDeviceDrain(Session& session, const IdOptions& options);
int RunDeviceResume(Session& session, const IdOptions& options);
int RunDeviceRename(Session& session, const DeviceRenameOptions& options);
int RunDeviceRemove(Session& session, const IdOptions& options);

int RunWorkloadList(Session& session);
int RunWorkloadShow(Session& session, const IdOptions& options);
int RunWorkloadExplain(Session& session, const IdOptions& options);

int RunTable(Session& session, const TableOptions& options);
int RunMatrix(Session& session, const MatrixOptions& options);
int RunFill(Session& session, const FillOptions& options);
int RunCompare(Session& session, const CompareOptions& options);
int RunHistory(Session& session, const HistoryOptions& options);
int RunImport(Session& session, const ImportOptions& options);
int RunExport(Session& session, const ExportOptions& options);

int RunServerInfo(Session& session);
int RunServerAudit(Session& session, const AuditOptions& options);
int RunLogin(Session& session, const LoginOptions& options);
int RunTokenCreate(Session& session, const TokenCreateOptions& options);
int RunTokenList(Session& session);
int RunTokenRevoke(Session& session, const IdOptions& options);
int RunServerBackup(Session& session, const ServerBackupOptions& options);
int RunServerCheck(Session& session);
int RunServerGc(Session& session, const ServerGcOptions& options);
int RunConfigShow(Session& session);
int RunConfigPath(Session& session);
int RunDoctor(Session& session);
int RunVersion(Session& session);

}  // namespace laptime::client
