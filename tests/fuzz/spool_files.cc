// The agent's spool file after damage: changes to a good one, or any bytes. It opens, or says why
// not; what it then holds can be read and goes on.

#include <spdlog/spdlog.h>
#include <unistd.h>

#include "agent/spool.h"
#include "tests/fuzz/damaged_file.h"
#include "tests/fuzz/harness.h"

namespace {

using namespace laptime;
using fuzz::Must;

void Fill(agent::Spool& spool) {
  v1::StartRun start;
  start.set_command_id("c");
  start.mutable_attempt()->set_run_id("run");
  start.mutable_attempt()->set_number(1);
  start.set_device("cpu");
  start.set_config_json("{\"epochs\":2}");
  Must(spool.Record(start).ok(), "a start is recorded");
  for (int lap = 1; lap <= 5; ++lap) {
    v1::Report report;
    *report.mutable_attempt() = start.attempt();
    report.mutable_epoch_finished()->set_number(lap);
    Must(spool.Append(report).ok(), "a lap is spooled");
    report.mutable_log_chunk()->set_text(std::string(600, 'x'));
    Must(spool.Append(report).ok(), "a log is spooled");
  }
}

const std::string& Good() {
  static const std::string* const bytes = [] {
    const std::string path = fuzz::Scratch().File("good.db");
    auto spool = agent::Spool::Open(path, {});
    Must(spool.ok(), "a spool opens");
    Fill(**spool);
    spool->reset();
    return new std::string(fuzz::ReadBytes(path));
  }();
  return *bytes;
}

// Only codes that say what is wrong with the file or the machine.
void Typed(const absl::Status& status) {
  Must(status.ok() || (status.code() != absl::StatusCode::kUnknown && !status.message().empty()),
       "a damaged file is told as such");
}

void Use(agent::Spool& spool) {
  const auto reports = spool.ReadFrom(0, 100);
  Typed(reports.status());
  Typed(spool.OpenAttempts().status());
  Typed(spool.NextSeq().status());
  Typed(spool.RecordedEpochs("run").status());
  Typed(spool.HighestToken("run").status());
  v1::Report report;
  report.mutable_attempt()->set_run_id("run");
  report.mutable_attempt()->set_number(1);
  report.mutable_failed();
  Typed(spool.Append(report).status());
  Typed(spool.DeleteThrough(3));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  spdlog::set_level(spdlog::level::off);
  fuzz::Input input(data, size);
  const std::string path = fuzz::FileWith("spool.db", fuzz::Damaged(Good(), input));
  {
    auto spool = agent::Spool::Open(path, {});
    Typed(spool.status());
    if (spool.ok()) Use(**spool);
  }
  fuzz::RemoveDatabase(path);
  fuzz::RemoveDatabase(path + ".damaged");
  return 0;
}
