#include <algorithm>
#include <vector>

#include "client/commands.h"
#include "client/environment.h"
#include "client/exit_codes.h"
#include "client/format.h"
#include "client/job_follow.h"
#include "client/run_view.h"
#include "client/text.h"
#include "client/where.h"

namespace laptime::client {
namespace {

// The most that one answer of the coordinator holds.
constexpr int kLargestPage = 1000;

absl::StatusOr<v1::GetRunResponse> GetRun(Session& session, const std::string& id) {
  v1::GetRunRequest request;
  request.set_id(id);
  return session.Call(&Session::Stub::GetRun, request);
}

// Who says it, until coordinators know people by accounts.
std::string UserName() {
  for (const char* variable : {"USER", "LOGNAME"}) {
    const std::optional<std::string> name = ReadEnvironment(variable);
    if (name && !name->empty()) return *name;
  }
  return "unknown";
}

// "succeeded" -> RUN_STATE_SUCCEEDED; empty = any.
absl::StatusOr<v1::RunState> StateFromWord(const std::string& word) {
  if (word.empty()) return v1::RUN_STATE_UNSPECIFIED;
  std::vector<std::string> words;
  for (int number = v1::RUN_STATE_QUEUED; number <= v1::RunState_MAX; ++number) {
    const auto state = static_cast<v1::RunState>(number);
    if (Word(state) == word) return state;
    words.push_back(Word(state));
  }
  return WithHint(absl::StatusCode::kInvalidArgument, "--state: unknown state '" + word + "'",
                  NearestHint(word, words, "states: " + Joined(words)));
}

}  // namespace

int RunRunList(Session& session, const RunListOptions& options) {
  const absl::StatusOr<v1::RunState> state = StateFromWord(options.state);
  if (!state.ok()) return session.Fail(state.status());
  v1::ListRunsRequest request;
  request.set_job_id(options.job);
  for (const std::string& device : options.devices) request.add_devices(device);
  request.set_workload(options.workload);
  request.set_state(*state);
  request.set_filter(JoinConditions(options.where));
  v1::ListRunsResponse runs;
  do {
    request.set_page_size(std::min(kLargestPage, options.limit - runs.runs_size()));
    const auto page = session.Call(&Session::Stub::ListRuns, request);
    if (!page.ok()) return session.Fail(page.status());
    runs.mutable_runs()->MergeFrom(page->runs());
    runs.set_next_page_token(page->next_page_token());
    request.set_page_token(page->next_page_token());
  } while (!runs.next_page_token().empty() && runs.runs_size() < options.limit);
  if (!runs.next_page_token().empty()) session.Say("there are older runs; --limit N shows more");
  return session.Print({&runs, "runs", RunGrid(runs.runs()), nullptr});
}

int RunRunShow(Session& session, const IdOptions& options) {
  const auto run = GetRun(session, options.id);
  if (!run.ok()) return session.Fail(run.status());
  const auto page = [&run](bool wide, bool color) { return RunPage(*run, wide, color); };
  // One run is one line of jsonl; its rows in csv and md are the laps.
  if (session.look().format == Format::kJsonLines && session.look().fields.empty()) {
    return session.Print({&*run, "", {}, nullptr});
  }
  return session.Print({&*run, "epochs", LapGrid(run->epochs()), page});
}

int RunRunWatch(Session& session, const IdOptions& options) {
  const auto run = GetRun(session, options.id);
  if (!run.ok()) return session.Fail(run.status());
  FollowOptions follow;
  follow.only_run = run->run().id();
  return FollowJob(session, run->run().job_id(), follow, session.interrupt().Take());
}

int RunRunAnnotate(Session& session, const RunAnnotateOptions& options) {
  v1::AnnotateRunRequest request;
  request.set_id(options.id);
  request.set_text(options.text);
  request.set_author(UserName());
  const auto run = session.Call(&Session::Stub::AnnotateRun, request);
  if (!run.ok()) return session.Fail(run.status());
  return session.Print({&*run, "annotations", NoteGrid(run->annotations()), nullptr});
}

}  // namespace laptime::client
