// laptime_fake_trainer: takes the flags of laptime-trainer and plays what LAPTIME_FAKE_SCRIPT says,
// so that every way in which a trainer can end is tested without one. It trains nothing: its
// numbers are made up.
//
// LAPTIME_FAKE_GATE names a file; when set, the script waits after its first epoch until the file
// is there. LAPTIME_FAKE_LAP_MS makes every epoch after the first take so long.

#include <unistd.h>

#include <csignal>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/trainer/contract.h"

namespace {

namespace trainer = laptime::trainer;
using nlohmann::json;

std::string Environment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

void Say(const json& event) { std::cout << event.dump() << std::endl; }

void WaitUntil(const std::function<bool()>& condition) {
  std::mutex mu;
  std::condition_variable never;
  std::unique_lock lock(mu);
  while (!never.wait_for(lock, std::chrono::milliseconds(5), condition)) {
  }
}

[[noreturn]] void Hang() {
  while (true) pause();
}

void Start(const json& config) {
  json effective = config;
  Say({{"started",
        {{"config", effective},
         {"device", "cpu"},
         {"device_model", "fake"},
         {"accelerators", {"cpu"}},
         {"versions", {{"libtorch", "none"}}},
         {"flags", {{"threads", "1"}}},
         {"pid", getpid()}}}});
  Say({{"warmed_up", {{"setup_seconds", 0.1}, {"warm_up_seconds", 0.2}}}});
}

void Epoch(int number, const json& loss) {
  Say({{"step_progress", {{"epoch", number}, {"step", 1}, {"steps", 2}, {"phase", "train"}}}});
  Say({{"epoch_finished",
        {{"number", number},
         {"wall_seconds", 0.001},
         {"mean_loss", loss},
         {"knn_accuracy", 0.5}}}});
}

int Finish(int epochs) {
  Say({{"finished", {{"fit_seconds", 0.1}, {"total_seconds", 0.2}, {"epochs", epochs}}}});
  return trainer::kExitOk;
}

int Fail(const std::string& cause, const std::string& message, int exit_code) {
  Say({{"failed", {{"cause", cause}, {"message", message}, {"hint", "this is a test"}}}});
  return exit_code;
}

int Probe(const std::string& device) {
  const std::string script = Environment("LAPTIME_FAKE_SCRIPT", "succeed");
  if (script == "silent" || script == "silent-on-" + device) Hang();
  if (script == "setup-failure")
    return Fail("FAILURE_CAUSE_SETUP", "there is no such device", trainer::kExitSetup);
  Say({{"probe_result", {{"device", "cpu"}, {"device_model", "fake"}, {"seconds", 0.1}}}});
  return trainer::kExitOk;
}

// Plays what comes after the first epoch, or instead of everything.
int Play(const std::string& script, const json& config) {
  const int epochs = config.value("epochs", 2);
  if (script == "setup-failure") {
    return Fail("FAILURE_CAUSE_SETUP", "the data set is missing", trainer::kExitSetup);
  }
  if (script == "silent") Hang();
  if (script == "usage") return trainer::kExitUsage;
  if (script == "garbage-first") {
    std::cout << "Hello\x1b[31m, I am no event" << std::endl;
    Hang();
  }
  Start(config);
  Epoch(1, script == "nan" ? json("NaN") : json(5.25));
  const std::string gate = Environment("LAPTIME_FAKE_GATE", "");
  if (!gate.empty()) WaitUntil([&gate] { return std::filesystem::exists(gate); });
  if (script == "workload-failure") {
    return Fail("FAILURE_CAUSE_WORKLOAD", "the loss is not finite", trainer::kExitWorkload);
  }
  if (script == "crash") {
    std::cerr << "about to crash" << std::endl;
    std::signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
  }
  if (script == "kill") raise(SIGKILL);
  if (script == "exit") return 7;
  if (script == "hang") Hang();
  if (script == "ignore-term") {
    std::signal(SIGTERM, SIG_IGN);
    Say({{"step_progress", {{"epoch", 2}, {"step", 0}, {"steps", 2}, {"phase", "deaf"}}}});
    Hang();
  }
  if (script == "garbage") {
    std::cout << "not json at all" << std::endl;
    Hang();
  }
  if (script == "huge-line") {
    std::cout << std::string(3 * 1024 * 1024, 'x') << std::endl;
    Hang();
  }
  if (script == "epoch-twice") {
    Epoch(1, 5.0);
    Hang();
  }
  if (script == "finished-early") {
    Finish(1);
    Hang();
  }
  const std::chrono::milliseconds lap(std::stoi(Environment("LAPTIME_FAKE_LAP_MS", "0")));
  for (int number = 2; number <= epochs; ++number) {
    const auto end = std::chrono::steady_clock::now() + lap;
    WaitUntil([end] { return std::chrono::steady_clock::now() >= end; });
    Epoch(number, 5.0);
  }
  if (script == "no-finished") return trainer::kExitOk;
  Finish(epochs);
  if (script == "linger") Hang();
  return trainer::kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  std::string config_file, device, parent;
  for (size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] == trainer::kFlagConfig) config_file = arguments[i + 1];
    if (arguments[i] == trainer::kFlagDevice) device = arguments[i + 1];
    if (arguments[i] == trainer::kFlagParentPid) parent = arguments[i + 1];
  }
#ifdef __linux__
  if (!parent.empty()) prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  for (const std::string& argument : arguments) std::cerr << argument << " ";
  std::cerr << std::endl;
  if (!arguments.empty() && arguments[0] == trainer::kCommandProbe) return Probe(device);
  const json file = json::parse(std::ifstream(config_file), nullptr, /*allow_exceptions=*/false);
  if (!file.is_object() || !file.contains("config")) return trainer::kExitUsage;
  return Play(Environment("LAPTIME_FAKE_SCRIPT", "succeed"), file.at("config"));
}
