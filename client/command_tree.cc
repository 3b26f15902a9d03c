#include "client/command_tree.h"

#include <cmath>
#include <optional>
#include <sstream>

#include "client/commands.h"
#include "proto/support/workload_spec.h"

namespace laptime::client {
namespace {

constexpr int kMostRepeats = 1000;
constexpr double kLeastUntil = 0.1;
constexpr double kMostUntil = 50;
constexpr double kMostSlower = 100'000;
constexpr int kMostFreshDays = 36500;
constexpr int kMostListed = 1'000'000;
constexpr int kMostPriority = 1'000'000;
constexpr int kLargestPort = 65535;

constexpr char kSelectorHelp[] =
    "which devices: HOST/DEVICE, kind=cuda, host=lab-*, label.room=b12 or all; may be repeated";
constexpr char kRunIdHelp[] = "a run's id, a unique beginning of it, last or last:2";
constexpr char kGroupHelp[] =
    "the baseline: a run, a job, a device, or conditions such as device=box/cpu,since=30d";
constexpr char kWhereHelp[] =
    "conditions on runs, such as validity=clean,since=30d,epoch_seconds<300; may be repeated";
constexpr char kJobIdHelp[] = "a job's id, a unique beginning of it, or last";
constexpr char kSetHelp[] =
    "KEY=VALUE, may be repeated; `laptime workload explain KEY` says what a key does";

// As CLI11's Range, whose wording differs between its versions.
CLI::Validator Within(int low, int high) {
  const std::string range = std::to_string(low) + " to " + std::to_string(high);
  return CLI::Validator(
      [low, high, range](std::string& text) -> std::string {
        const std::optional<double> value = ParseNumber(text);
        const bool inside =
            value && *value >= low && *value <= high && *value == std::floor(*value);
        return inside ? "" : "'" + text + "' is not an integer from " + range;
      },
      range);
}

// "1", "1%" or "1 %" as the number.
CLI::Validator PercentFrom(double low, double high) {
  std::ostringstream range;
  range << low << " to " << high << " %";
  return CLI::Validator(
      [low, high, range = range.str()](std::string& text) -> std::string {
        std::string number = text;
        if (number.ends_with('%')) number.pop_back();
        while (number.ends_with(' ')) number.pop_back();
        const std::optional<double> value = ParseNumber(number);
        if (!value || !(*value >= low && *value <= high))
          return "'" + text + "' is not a percentage from " + range;
        text = number;
        return "";
      },
      "");
}

CLI::Validator Days() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        const std::optional<double> value = ParseNumber(text);
        if (value && *value > 0 && *value <= kMostFreshDays) return "";
        return "'" + text + "' is not a number of days up to " + std::to_string(kMostFreshDays);
      },
      "");
}

// One value each time the flag appears, so that it never swallows what follows.
void Repeatable(CLI::App* app, const std::string& flags, std::vector<std::string>& values,
                const std::string& what, const std::string& type) {
  app->add_option(flags, values, what)->allow_extra_args(false)->type_name(type);
}

}  // namespace

CommandTree::CommandTree() {
  root_.require_subcommand(0, 1);
  root_.fallthrough();
  root_.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  AddGlobalFlags();
  AddUpAndSubmit();
  AddJob();
  AddRun();
  AddDevice();
  AddWorkload();
  AddMatrixAndFill();
  AddRest();
}

std::function<int(Session&)> CommandTree::ActionOf(const CLI::App* command) const {
  const auto found = actions_.find(command);
  return found == actions_.end() ? nullptr : found->second;
}

void CommandTree::SettingFlag(CLI::App* app, const std::string& flags, const std::string& setting,
                              const std::string& what) {
  app->add_option_function<std::string>(
         flags,
         [settings = global_, setting](const std::string& value) {
           settings->settings[setting] = value;
         },
         what)
      ->type_name("TEXT");
}

void CommandTree::AddGlobalFlags() {
  SettingFlag(&root_, "--server", "server", "the coordinator's address");
  SettingFlag(&root_, "-o,--output", "output", "table, wide, json, jsonl, csv or md");
  SettingFlag(&root_, "--color", "color", "auto, always or never");
  SettingFlag(&root_, "--timeout", "timeout",
              "seconds a call may take; for commands that wait, the whole wait");
  root_.add_option("--fields", global_->fields, "columns to show: a,b,c")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAMES");
  root_.add_flag("-q,--quiet", global_->quiet, "no words, only data and errors");
  root_.add_flag("-v,--verbose", global_->verbose, "more words");
  root_.add_flag_callback(
      "--no-input", [settings = global_] { settings->settings["no_input"] = "true"; },
      "never ask a question");
  root_.add_flag("-y,--yes", global_->yes, "answer every question with yes");
}

CLI::App* CommandTree::Group(const std::string& name, const std::string& what) {
  CLI::App* group = root_.add_subcommand(name, what);
  group->require_subcommand(0, 1);
  return group;
}

template <typename Options>
std::shared_ptr<Options> CommandTree::Command(CLI::App* parent, const std::string& name,
                                              const std::string& what,
                                              int (*act)(Session&, const Options&)) {
  auto options = std::make_shared<Options>();
  last_ = parent->add_subcommand(name, what);
  actions_[last_] = [options, act](Session& session) { return act(session, *options); };
  return options;
}

void CommandTree::Plain(CLI::App* parent, const std::string& name, const std::string& what,
                        int (*act)(Session&)) {
  last_ = parent->add_subcommand(name, what);
  actions_[last_] = [act](Session& session) { return act(session); };
}

void CommandTree::About(CLI::App* parent, const std::string& name, const std::string& what,
                        const std::string& id_name, const std::string& id_help,
                        int (*act)(Session&, const IdOptions&)) {
  const auto options = Command<IdOptions>(parent, name, what, act);
  last_->add_option(id_name, options->id, id_help)->required()->type_name("");
}

void CommandTree::AddUpAndSubmit() {
  const auto up =
      Command<UpOptions>(&root_, "up", "start coordinator and agent here, until Ctrl-C", RunUp);
  SettingFlag(last_, "--data", "data", "where the data sets are");
  SettingFlag(last_, "--state", "state", "where database, logs and the agent's files are");
  SettingFlag(last_, "--name", "name", "the name of this host");
  CLI::Option* listen =
      last_->add_option("--listen", up->listen, "ADDRESS:PORT to listen on")->type_name("A:P");
  last_->add_option("--port", up->port, "the port alone; 0 = any free one")
      ->check(Within(0, kLargestPort))
      ->excludes(listen);
  CLI::Option* run = last_->add_option("--run", up->run, "submit this workload to this machine")
                         ->type_name("WORKLOAD");
  Repeatable(last_, "--set", up->settings, kSetHelp, "K=V");
  last_->get_option("--set")->needs(run);
  last_->add_flag("--exit-when-done", up->exit_when_done, "stop when the run of --run has ended")
      ->needs(run);

  const auto submit =
      Command<SubmitOptions>(&root_, "submit", "train a workload and wait for the end", RunSubmit);
  last_->add_option("workload", submit->workload, "a workload's name, or FILE.toml")
      ->required()
      ->type_name("");
  Repeatable(last_, "--device", submit->devices, kSelectorHelp, "SEL");
  Repeatable(last_, "--set", submit->settings, kSetHelp, "K=V");
  last_->add_option("--repeat", submit->repeats, "runs on each device")
      ->check(Within(1, kMostRepeats));
  last_->add_flag("--interleave", submit->interleave,
                  "in blocks: one run on every device, in random order, then the next");
  CLI::Option* until =
      last_
          ->add_option("--until", submit->until_percent,
                       "repeat until the 95 % interval of a device is within ± so many percent")
          ->transform(PercentFrom(kLeastUntil, kMostUntil))
          ->type_name("PCT");
  last_
      ->add_option("--max-repeats", submit->most_repeats,
                   "with --until: at most so many runs on each device; 10 by default")
      ->check(Within(1, kMostRepeats))
      ->needs(until);
  last_->add_option("--priority", submit->priority, "higher first")
      ->check(Within(-kMostPriority, kMostPriority));
  last_->add_flag("--dry-run", submit->dry_run, "show what would run, store nothing");
  last_->add_flag("--detach", submit->detach, "print the job's id and do not wait");
  last_->add_option("--idempotency-key", submit->idempotency_key,
                    "the same key never makes a second job");
}

void CommandTree::AddJob() {
  CLI::App* job = Group("job", "what was submitted");
  const auto list = Command<JobListOptions>(job, "list", "jobs, newest first", RunJobList);
  last_->add_option("--limit", list->limit, "at most so many")->check(Within(1, kMostListed));
  About(job, "show", "one job and its runs", "job", kJobIdHelp, RunJobShow);
  About(job, "watch", "follow a job to its end", "job", kJobIdHelp, RunJobWatch);
  About(job, "wait", "wait for the end without progress", "job", kJobIdHelp, RunJobWait);
  About(job, "cancel", "end the runs that have not ended", "job", kJobIdHelp, RunJobCancel);
}

void CommandTree::AddRun() {
  CLI::App* run = Group("run", "one training on one device");
  const auto list = Command<RunListOptions>(run, "list", "runs, newest first", RunRunList);
  last_->add_option("--job", list->job, kJobIdHelp);
  Repeatable(last_, "--device", list->devices, kSelectorHelp, "SEL");
  last_->add_option("--workload", list->workload,
                    "a workload's name, or the beginning of its hash");
  last_->add_option("--state", list->state, "queued, running, succeeded, …");
  Repeatable(last_, "--where", list->where, kWhereHelp, "FILTER");
  last_->add_option("--limit", list->limit, "at most so many")->check(Within(1, kMostListed));
  About(run, "show", "one run: facts, laps, attempts, snapshot", "run", kRunIdHelp, RunRunShow);
  About(run, "watch", "follow a run to its end", "run", kRunIdHelp, RunRunWatch);
  const auto bundle = Command<RunExportOptions>(
      run, "export", "all of a run in one file with hashes, or as MLPerf log lines", RunRunExport);
  last_->add_option("run", bundle->id, kRunIdHelp)->required()->type_name("");
  last_->add_option("--to", bundle->to, "the file; - or nothing = standard output")
      ->type_name("FILE");
  last_->add_option("--format", bundle->format, "bundle (the default) or mlperf")
      ->check(CLI::IsMember({"bundle", "mlperf"}));
  const auto verify = Command<RunVerifyOptions>(
      run, "verify", "whether a bundle is whole and agrees with itself", RunRunVerify);
  last_->add_option("file", verify->file, "what `run export` wrote; - = standard input")
      ->required()
      ->type_name("");
  const auto annotate =
      Command<RunAnnotateOptions>(run, "annotate", "add a note to a run", RunRunAnnotate);
  last_->add_option("run", annotate->id, kRunIdHelp)->required()->type_name("");
  last_->add_option("text", annotate->text, "1 to 1000 characters")->required()->type_name("");
  const auto logs = Command<RunLogsOptions>(run, "logs", "what the trainer wrote", RunRunLogs);
  last_->add_option("run", logs->id, kRunIdHelp)->required()->type_name("");
  last_->add_option("--attempt", logs->attempt, "its number; the newest by default")
      ->check(Within(1, kMostListed));
  last_->add_flag("-f,--follow", logs->follow, "go on until the attempt has ended");
}

void CommandTree::AddDevice() {
  CLI::App* device = Group("device", "what trains");
  const auto list =
      Command<DeviceListOptions>(device, "list", "devices and their states", RunDeviceList);
  last_->add_option("selectors", list->selectors, kSelectorHelp)->type_name("");
  const std::string id_help = "HOST/DEVICE, for example studio/mps";
  About(device, "show", "one device and its host", "device", id_help, RunDeviceShow);
  const auto capabilities = Command<DeviceListOptions>(
      device, "capabilities", "what devices can do, as probed", RunDeviceCapabilities);
  last_->add_option("selectors", capabilities->selectors, kSelectorHelp)->type_name("");
  About(device, "drain", "take no new runs", "device", id_help, RunDeviceDrain);
  About(device, "resume", "take runs again", "device", id_help, RunDeviceResume);
  const auto rename =
      Command<DeviceRenameOptions>(device, "rename", "give another name", RunDeviceRename);
  last_->add_option("device", rename->id, id_help)->required()->type_name("");
  last_->add_option("name", rename->new_name, "the new name")->required()->type_name("");
  About(device, "remove", "take a machine away, with all its devices", "host",
        "the name before the '/' of its devices", RunDeviceRemove);
}

void CommandTree::AddWorkload() {
  CLI::App* workload = Group("workload", "what is trained");
  Plain(workload, "list", "the workloads there are", RunWorkloadList);
  About(workload, "show", "one workload with all its keys", "workload", "its name",
        RunWorkloadShow);
  About(workload, "explain", "what a key does", "key", "its name", RunWorkloadExplain);
}

void CommandTree::AddMatrixFlags(MatrixOptions& options) {
  Repeatable(last_, "--workload", options.workloads,
             "a workload's name, may be repeated; by default simclr-cifar10 and all that ran",
             "NAME");
  Repeatable(last_, "--device", options.devices, kSelectorHelp, "SEL");
  Repeatable(last_, "--set", options.settings, kSetHelp, "K=V");
  last_->add_option("--runs", options.runs, "so many that count are wanted; 3 by default")
      ->check(Within(1, kMostRepeats));
  last_
      ->add_option("--fresh", options.fresh_days, "days after which a cell is stale; 30 by default")
      ->check(Days())
      ->type_name("DAYS");
}

void CommandTree::AddMatrixAndFill() {
  const auto matrix = Command<MatrixOptions>(
      &root_, "matrix", "what was measured of each workload on each device", RunMatrix);
  AddMatrixFlags(*matrix);
  const auto fill = Command<FillOptions>(
      &root_, "fill", "submit the runs that `matrix` lacks and wait for the end", RunFill);
  AddMatrixFlags(fill->matrix);
  last_->add_flag("--dry-run", fill->dry_run, "show what would be submitted, store nothing");
  last_->add_flag("--detach", fill->detach, "print the jobs' ids and do not wait");
}

void CommandTree::AddRest() {
  const auto table = Command<TableOptions>(&root_, "table", "devices side by side", RunTable);
  last_->add_option("workload", table->workload, "simclr-cifar10 by default")->type_name("");
  last_->add_option("--baseline", table->baseline, "the device that ratios refer to")
      ->type_name("DEVICE");
  last_->add_flag("--best", table->best,
                  "each device at its fastest batch size and precision that learned as it must");
  const auto compare = Command<CompareOptions>(
      &root_, "compare", "whether one group of runs is faster than another", RunCompare);
  last_->add_option("a", compare->a, kGroupHelp)->required()->type_name("");
  last_->add_option("b", compare->b, "what is compared with it, said likewise")
      ->required()
      ->type_name("");
  last_
      ->add_option(
          "--fail-if-slower", compare->fail_if_slower,
          "exit code 9 when B takes more than this many percent longer, for certain; 1 when "
          "there is no interval to judge by")
      ->transform(PercentFrom(0, kMostSlower))
      ->type_name("PCT");
  const auto history = Command<HistoryOptions>(
      &root_, "history", "how times developed, and whether runs came out as expected", RunHistory);
  Repeatable(last_, "--device", history->devices, kSelectorHelp, "SEL");
  last_->add_option("--workload", history->workload,
                    "a workload's name, or the beginning of its hash");
  last_->add_option("--since", history->since, "runs of the last 90d, 12h, 45m or 2w")
      ->type_name("AGE");
  Repeatable(last_, "--where", history->where, kWhereHelp, "FILTER");
  const auto import =
      Command<ImportOptions>(&root_, "import", "store results measured elsewhere", RunImport);
  last_->add_option("file", import->file, "JSON lines, one result a line; - = standard input")
      ->required()
      ->type_name("");
  AddExport();
  AddServer();
  AddAccess();
  CLI::App* config = Group("config", "settings");
  Plain(config, "show", "every setting and where it came from", RunConfigShow);
  Plain(config, "path", "the files that are read", RunConfigPath);
  Plain(&root_, "doctor", "check what laptime needs", RunDoctor);
  Plain(&root_, "version", "the version; -v adds those of the libraries", RunVersion);
}

void CommandTree::AddAccess() {
  const auto login = Command<LoginOptions>(
      &root_, "login", "use a coordinator that wants to know who you are", RunLogin);
  last_->add_option("address", login->address, "its HOST:PORT")->required()->type_name("");
  last_
      ->add_option("--token-file", login->token_file,
                   "the file with the token that an administrator made; - = standard input")
      ->type_name("FILE");
  CLI::App* token = Group("token", "who may use this coordinator");
  const auto create = Command<TokenCreateOptions>(
      token, "create", "a token for a machine to join, or for a person to log in", RunTokenCreate);
  last_->add_option("--role", create->role, "agent, viewer, user or admin")
      ->required()
      ->check(CLI::IsMember({"agent", "viewer", "user", "admin"}));
  last_->add_option("--label", create->label, "whose it is");
  last_
      ->add_option("--ttl", create->ttl,
                   "how long it is good, like 1h or 90d; an agent's 1h, a person's without end")
      ->type_name("AGE");
  last_->add_option("--uses", create->uses, "how many machines may join with it; 1 by default")
      ->check(Within(1, kMostListed));
  Plain(token, "list", "the tokens there are", RunTokenList);
  About(token, "revoke", "shut out whoever carries it", "token", "its id", RunTokenRevoke);
}

void CommandTree::AddServer() {
  CLI::App* server = Group("server", "the coordinator");
  Plain(server, "info", "version, database, counts", RunServerInfo);
  const auto audit = Command<AuditOptions>(server, "audit", "who changed what", RunServerAudit);
  last_->add_option("--limit", audit->limit, "at most so many")->check(Within(1, kMostListed));
  const auto backup = Command<ServerBackupOptions>(
      server, "backup", "all of the database in one file, while it is used", RunServerBackup);
  last_->add_option("file", backup->file, "the file; --yes replaces one that is there")
      ->required()
      ->type_name("");
  Plain(server, "check", "whether the database is whole and keeps its promise", RunServerCheck);
  const auto gc = Command<ServerGcOptions>(
      server, "gc", "remove samples and logs of old runs; laps are kept for ever", RunServerGc);
  last_
      ->add_option("--older-than", gc->older_than,
                   "of runs that ended longer ago: 90d, 12h or 2w; 180d by default")
      ->type_name("AGE");
  last_->add_flag("--compact", gc->compact,
                  "also shrink the file; the coordinator stores nothing meanwhile");
  last_->add_flag("--dry-run", gc->dry_run, "show what would go, remove nothing");
}

void CommandTree::AddExport() {
  CLI::App* group = Group("export", "rows of many runs, as csv or JSON lines");
  const auto kind = [&](const std::string& name, const std::string& what) {
    const auto rows = Command<ExportOptions>(group, name, what, RunExport);
    rows->kind = name;
    Repeatable(last_, "--where", rows->where, kWhereHelp, "FILTER");
    last_->add_option("--format", rows->format, "csv (the default) or jsonl")
        ->check(CLI::IsMember({"csv", "jsonl"}));
  };
  kind("runs", "one row a run");
  kind("epochs", "one row a lap, of each run's newest attempt");
  kind("samples", "one row a sensor reading, likewise");
}

}  // namespace laptime::client
