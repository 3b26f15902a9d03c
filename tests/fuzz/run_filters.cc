// The filter language, from text to rows: whatever parses is SQL that SQLite takes.

#include "storage/filter_sql.h"
#include "storage/run_conditions.h"
#include "tests/fuzz/coordinator_parts.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace laptime;
  using fuzz::Must;
  static fuzz::SeededStore seeded;
  const std::string text = fuzz::Input(data, size).Rest();
  storage::LooksLikeConditions(text);
  auto conditions = storage::RunConditions::Parse(text, 1'600'000'000'000);
  if (!conditions.ok()) return 0;
  storage::RunLike row;
  row.texts = {{"device", "box/cpu"}, {"workload", "simclr-cifar10"}};
  row.numbers = {{"median_epoch_seconds", 10}};
  conditions->Matches(row);
  storage::RunFilter filter;
  filter.where = *std::move(conditions);
  const absl::Status read = seeded.store.Read(
      [&](const storage::Reader& reader) { return reader.ListRuns(filter, {}).status(); });
  Must(read.ok(), "what parses can be asked: " + std::string(read.message()));
  return 0;
}
