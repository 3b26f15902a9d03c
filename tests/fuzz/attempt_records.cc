// A trainer's events as the agent makes reports of them: lines of JSON. Whatever the trainer says,
// what is spooled is fit for the wire and in the order that trainer.proto asks for.

#include <spdlog/spdlog.h>

#include "agent/attempt_end.h"
#include "agent/attempt_record.h"
#include "agent/trainer_events.h"
#include "tests/fuzz/harness.h"
#include "tests/testing/fake_clock.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace laptime;
  using fuzz::Must;
  spdlog::set_level(spdlog::level::off);
  fuzz::Input input(data, size);
  auto spool = agent::Spool::Open(":memory:", {});
  Must(spool.ok(), "a spool in memory opens");
  agent::Outbox outbox(**spool);
  const testing::FakeClock clock;
  agent::Sampler sampler(clock, {}, std::chrono::seconds(1));
  v1::StartRun start;
  start.mutable_attempt()->set_run_id("run");
  start.mutable_attempt()->set_number(1);
  start.set_config_json(input.Piece());
  agent::AttemptRecord record(clock, outbox, sampler, start, {});
  agent::LineReader reader;
  const auto lines = reader.Append(input.Rest() + "\n");
  if (!lines.ok()) return 0;
  for (const std::string& line : *lines) {
    auto event = agent::ParseTrainerEvent(line);
    if (!event.ok() || !record.Take(*std::move(event)).ok()) break;
    record.TakeProgress();
  }
  if (record.finished()) outbox.Post(record.FinishedReport());
  const auto reports = (*spool)->ReadFrom(0, 100000);
  Must(reports.ok(), "what was spooled can be read");
  int last = -1;
  for (const v1::Report& report : *reports) {
    if (!report.has_epoch_finished()) continue;
    Must(last < 0 || report.epoch_finished().number() == last + 1, "laps come one after another");
    last = report.epoch_finished().number();
  }
  return 0;
}
