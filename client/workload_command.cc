#include <algorithm>
#include <vector>

#include "client/commands.h"
#include "client/exit_codes.h"
#include "client/text.h"
#include "client/workload_view.h"

namespace laptime::client {
namespace {

absl::StatusOr<v1::ListWorkloadsResponse> List(Session& session) {
  return session.Call(&Session::Stub::ListWorkloads, v1::ListWorkloadsRequest());
}

// The entry of that name; kNotFound with the nearest name and what exists.
template <typename Entries>
auto Find(const Entries& entries, const std::string& what, const std::string& name)
    -> absl::StatusOr<const std::decay_t<decltype(*entries.begin())>*> {
  std::vector<std::string> names;
  for (const auto& entry : entries) {
    if (entry.name() == name) return &entry;
    names.push_back(entry.name());
  }
  return WithHint(absl::StatusCode::kNotFound, "unknown " + what + " '" + name + "'",
                  NearestHint(name, names, what + "s: " + Joined(names)));
}

}  // namespace

int RunWorkloadList(Session& session) {
  const auto list = List(session);
  if (!list.ok()) return session.Fail(list.status());
  return session.Print({&*list, "presets", PresetGrid(list->presets()), nullptr});
}

int RunWorkloadShow(Session& session, const IdOptions& options) {
  const auto list = List(session);
  if (!list.ok()) return session.Fail(list.status());
  const auto preset = Find(list->presets(), "workload", options.id);
  if (!preset.ok()) return session.Fail(preset.status());
  const Grid keys = KeyGrid(list->keys(), **preset);
  const auto page = [&](bool wide, bool color) { return PresetPage(**preset, keys, wide, color); };
  return session.Print({*preset, "", keys, page});
}

int RunWorkloadExplain(Session& session, const IdOptions& options) {
  const auto list = List(session);
  if (!list.ok()) return session.Fail(list.status());
  const auto key = Find(list->keys(), "workload key", options.id);
  if (!key.ok()) return session.Fail(key.status());
  const auto page = [&](bool, bool) { return KeyPage(**key); };
  return session.Print({*key, "", KeyGrid(**key), page});
}

}  // namespace laptime::client
