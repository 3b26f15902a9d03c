#include <unistd.h>

#include <filesystem>
#include <vector>

#include "client/child_process.h"
#include "client/columns.h"
#include "client/commands.h"
#include "client/data_check.h"
#include "client/environment.h"
#include "client/exit_codes.h"
#include "proto/support/channel.h"

namespace laptime::client {
namespace {

constexpr std::chrono::seconds kProgramLimit{30};
constexpr double kLeastFreeBytes = 1e9;

enum class Verdict { kOk, kWarn, kFail };

struct Check {
  std::string name;
  Verdict verdict = Verdict::kOk;
  std::string text;
  std::string hint;
};

std::string Word(Verdict verdict) {
  if (verdict == Verdict::kOk) return "ok";
  return verdict == Verdict::kWarn ? "warn" : "fail";
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

// A program beside this one that tells its version, which must be ours.
Check CheckProgram(const std::string& program, const std::string& argument,
                   const std::string& hint) {
  Check check{program, Verdict::kFail, "", hint};
  const auto result = RunProgram(ProgramDirectory() + "/" + program, {argument}, kProgramLimit);
  if (!result.ok()) {
    check.text = MessageOf(result.status());
    return check;
  }
  check.text = FirstLine(result->output);
  if (result->exit_code != 0) return check;
  if (result->output.find(kVersion) == std::string::npos) {
    check.hint =
        std::string("this is laptime ") + kVersion + "; build and install all programs together";
    return check;
  }
  return {program, Verdict::kOk, check.text, ""};
}

void CheckServer(Session& session, std::vector<Check>& checks) {
  const auto info = session.Call(&Session::Stub::GetServerInfo, v1::GetServerInfoRequest());
  if (!info.ok()) {
    checks.push_back(
        {"coordinator", Verdict::kWarn, MessageOf(info.status()), HintOf(info.status())});
    return;
  }
  const bool same = info->version() == kVersion;
  checks.push_back({"coordinator", same ? Verdict::kOk : Verdict::kWarn,
                    session.setting("server") + " answers, version " + info->version(),
                    same ? "" : std::string("this is laptime ") + kVersion});
  const bool any = info->hosts_attached() > 0;
  checks.push_back({"devices", any ? Verdict::kOk : Verdict::kWarn,
                    std::to_string(info->devices()) + " known, " +
                        std::to_string(info->hosts_attached()) + " hosts attached",
                    any ? "" : "`laptime up` or `laptime-agent run` attaches this machine's"});
}

Check CheckDataSet(const Session& session) {
  const DataCheck data = CheckData(ProgramDirectory(), session.setting("data"));
  return {"data set", data.found ? Verdict::kOk : Verdict::kWarn, data.text, data.hint};
}

// The nearest folder of the path that exists.
std::filesystem::path Existing(std::filesystem::path path) {
  std::error_code error;
  while (!std::filesystem::exists(path, error) && path.has_parent_path() &&
         path != path.parent_path()) {
    path = path.parent_path();
  }
  return path;
}

void CheckState(const Session& session, std::vector<Check>& checks) {
  const std::string& state = session.setting("state");
  if (state.empty()) {
    checks.push_back(
        {"state directory", Verdict::kFail, "HOME is not set", "--state DIR names one"});
    return;
  }
  const std::filesystem::path existing = Existing(std::filesystem::absolute(state));
  const bool writable = access(existing.c_str(), W_OK | X_OK) == 0;
  checks.push_back({"state directory", writable ? Verdict::kOk : Verdict::kFail,
                    state + (writable ? " can be written" : " cannot be written"),
                    writable ? "" : "--state DIR names another one"});
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(existing, error);
  if (error) return;
  const auto free_bytes = static_cast<double>(space.available);
  const bool enough = free_bytes >= kLeastFreeBytes;
  checks.push_back({"free disk", enough ? Verdict::kOk : Verdict::kWarn,
                    Bytes(free_bytes) + " at " + existing.string(),
                    enough ? "" : "results need little, but the data set needs 1 GB to unpack"});
}

std::string Page(const std::vector<Check>& checks) {
  std::vector<std::pair<std::string, std::string>> facts;
  for (const Check& check : checks) {
    facts.emplace_back(Word(check.verdict), check.name + ": " + check.text);
    facts.emplace_back("", check.hint.empty() ? "" : "hint: " + check.hint);
  }
  return RenderFacts(facts);
}

}  // namespace

int RunDoctor(Session& session) {
  std::vector<Check> checks{
      CheckProgram("laptime-server", "version", "build it beside this program: deploy/build"),
      CheckProgram("laptime-agent", "version", "build it beside this program: deploy/build"),
      CheckProgram("laptime-trainer", "--version", "it needs LibTorch: deploy/setup unpacks it"),
  };
  CheckServer(session, checks);
  checks.push_back(CheckDataSet(session));
  CheckState(session, checks);
  bool failed = false;
  for (const Check& check : checks) failed = failed || check.verdict == Verdict::kFail;
  const std::vector<Column<Check>> columns{
      TextColumn<Check>("check", "CHECK", [](const Check& c) { return c.name; }),
      TextColumn<Check>("verdict", "VERDICT", [](const Check& c) { return Word(c.verdict); }),
      TextColumn<Check>("text", "WHAT", [](const Check& c) { return c.text; }),
      TextColumn<Check>("hint", "HINT", [](const Check& c) { return c.hint; })};
  const int printed = session.Print(
      {nullptr, "checks", MakeGrid(columns, checks), [&](bool, bool) { return Page(checks); }});
  return printed == kExitOk && failed ? kExitFailure : printed;
}

}  // namespace laptime::client
