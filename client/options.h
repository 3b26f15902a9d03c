#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace laptime::client {

// What stands on the command line, one struct per command, with the defaults of the grammar. Plain
// values: no command line library in here. An empty text means "not given".

// Flags that every command takes. Those that are settings too (`--server`, `--output`, …) travel in
// `settings`.
struct GlobalOptions {
  std::map<std::string, std::string> settings;  // setting name -> value
  std::vector<std::string> fields;
  bool quiet = false;
  bool verbose = false;
  bool yes = false;
};

struct SubmitOptions {
  std::string workload;               // preset name or FILE.toml
  std::vector<std::string> devices;   // selectors
  std::vector<std::string> settings;  // KEY=VALUE
  std::optional<int> repeats;
  std::optional<int> priority;
  bool interleave = false;
  std::optional<double> until_percent;
  std::optional<int> most_repeats;
  bool dry_run = false;
  bool detach = false;
  std::string idempotency_key;
};

struct UpOptions {
  std::optional<int> port;
  std::string listen;
  std::string run;
  std::vector<std::string> settings;
  bool exit_when_done = false;
};

struct JobListOptions {
  int limit = 50;
};

// Commands that are about one thing.
struct IdOptions {
  std::string id;
};

struct RunListOptions {
  std::string job;
  std::vector<std::string> devices;
  std::string workload;
  std::string state;
  std::vector<std::string> where;  // filters that all hold
  int limit = 50;
};

struct RunAnnotateOptions {
  std::string id;
  std::string text;
};

struct RunExportOptions {
  std::string id;
  std::string to;      // a file; empty = standard output
  std::string format;  // "bundle" (also when empty), "mlperf"
};

struct RunVerifyOptions {
  std::string file;  // "-" = standard input
};

struct ExportOptions {
  std::string kind;  // "runs", "epochs", "samples"
  std::vector<std::string> where;
  std::string format;  // "csv", "jsonl"; empty: as --output says
};

struct RunLogsOptions {
  std::string id;
  int attempt = 0;  // 0 = the newest
  bool follow = false;
};

struct DeviceListOptions {
  std::vector<std::string> selectors;
};

struct LoginOptions {
  std::string address;
  std::string token_file = "-";  // "-" = standard input
};

struct TokenCreateOptions {
  std::string role;
  std::string label;
  std::string ttl;  // "1h"
  int uses = 0;     // 0 = the coordinator's default
};

struct AuditOptions {
  int limit = 0;  // 0 = the coordinator's default
};

struct DeviceRenameOptions {
  std::string id;
  std::string new_name;
};

struct TableOptions {
  std::string workload;
  std::string baseline;
  bool best = false;
};

struct MatrixOptions {
  std::vector<std::string> workloads;  // preset names
  std::vector<std::string> devices;    // selectors
  std::vector<std::string> settings;   // KEY=VALUE, of every workload
  int runs = 0;                        // wanted; 0 = the coordinator's default
  double fresh_days = 0;               // likewise
};

struct FillOptions {
  MatrixOptions matrix;
  bool dry_run = false;
  bool detach = false;
};

struct CompareOptions {
  std::string a;
  std::string b;
  std::optional<double> fail_if_slower;  // percent
};

struct HistoryOptions {
  std::vector<std::string> devices;
  std::string workload;
  std::string since;               // "90d"
  std::vector<std::string> where;  // conditions, all of which hold
};

struct ServerBackupOptions {
  std::string file;
};

struct ServerGcOptions {
  std::string older_than;  // "90d"; empty: as the coordinator does by default
  bool compact = false;
  bool dry_run = false;
};

struct ImportOptions {
  std::string file;  // "-" = standard input
};

}  // namespace laptime::client
