#include "storage/run_conditions.h"

#include <random>

#include "proto/support/status.h"
#include "proto/support/workload_spec.h"
#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

constexpr int64_t kDay = 24LL * 3600 * 1000;
constexpr int64_t kNow = 20'000 * kDay;

RunConditions Parsed(const std::string& text) {
  const auto conditions = RunConditions::Parse(text, kNow);
  EXPECT_OK(conditions) << text;
  return conditions.value_or(RunConditions());
}

auto Refused(const std::string& words) {
  return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(words));
}

const std::vector<std::string>& Operators() {
  static const std::vector<std::string> operators = {"=", "!=", "<", "<=", ">", ">=", "~"};
  return operators;
}

std::string ValueFor(const RunField& field) {
  switch (field.type) {
    case RunField::Type::kChoice:
      return field.choices.back().first;
    case RunField::Type::kBoolean:
      return "true";
    case RunField::Type::kNumber:
      return "1.5";
    case RunField::Type::kTime:
      return "2026-11-01";
    case RunField::Type::kWindow:
      return "30d";
    default:
      return "x*";
  }
}

std::vector<std::string> EveryName() {
  std::vector<std::string> names{"label.room"};
  for (const RunField& field : RunFields()) names.push_back(field.name);
  for (const WorkloadKey& key : WorkloadKeys()) names.push_back("config." + key.name);
  return names;
}

// Three runs: "aaa" on studio/cpu, whose figures are set; "bbb" on studio/mps; "abc" of another job
// on studio/cpu, which waits.
class RunConditionsTest : public DatabaseTest {
 protected:
  RunConditionsTest() {
    Seeder::AddHost(tx_);
    Seeder::AddJob(tx_, "j1");
    v1::Job other = Seeder::Job("k2");
    other.mutable_workload()->set_name("simclr-synthetic-cifar10");
    other.mutable_workload()->set_hash("def456");
    other.mutable_workload()->set_synthetic(true);
    auto& config = *other.mutable_workload()->mutable_config()->mutable_fields();
    config["batch_size"].set_number_value(512);
    config["precision"].set_string_value("bf16");
    config["dataset"].set_string_value("synthetic-cifar10");
    config["gather_negatives"].set_bool_value(true);
    EXPECT_OK(tx_.InsertJob({other, "{}", "key-2", ""}));
    Seeder::AddRun(tx_, "aaa", "j1", 1);
    Seeder::AddRun(tx_, "bbb", "j1", 2, 2);
    Seeder::AddRun(tx_, "abc", "k2", 1);
    Run("UPDATE run SET state = 4, validity = 2, median_epoch_seconds = 250, knn_accuracy = 0.41, "
        "mean_loss = 5.1, utilization_percent = 93, peak_memory_bytes = 8e9, "
        "dataset = 'cifar10@1a2b', segment = 's1', created_unix_ms = " +
        std::to_string(kNow - 2 * kDay) + " WHERE id = 'aaa'");
    Run("UPDATE run SET state = 5, validity = 4, validity_reasons = '[\"steal 12 %\"]', "
        "median_epoch_seconds = 300, knn_accuracy = 0.3, failure_message = 'out of memory', "
        "created_unix_ms = " +
        std::to_string(kNow - 40 * kDay) + " WHERE id = 'bbb'");
    Run("UPDATE run SET created_unix_ms = " + std::to_string(kNow) + " WHERE id = 'abc'");
    Run("INSERT INTO device_label VALUES (2, 'room', 'b12')");
    Run("INSERT INTO annotation VALUES (1, 2, 1, 'eva', 'Fan was loud, window open')");
    Run("INSERT INTO annotation VALUES (2, 2, 1, 'eva', 'second')");
  }

  // Segments are referred to before they are there.
  void Run(const std::string& sql) {
    database().exec(
        "INSERT INTO segment VALUES ('s1', 'Debian 12, LibTorch 2.11.0') ON CONFLICT DO NOTHING");
    database().exec(sql);
  }

  absl::StatusOr<std::vector<std::string>> Find(const RunConditions& where) {
    RunFilter filter;
    filter.where = where;
    absl::StatusOr<v1::ListRunsResponse> runs = tx_.ListRuns(filter, {});
    if (!runs.ok()) return runs.status();
    std::vector<std::string> ids;
    for (const v1::Run& run : runs->runs()) ids.push_back(run.id());
    return ids;
  }

  std::vector<std::string> Find(const std::string& text) {
    const auto ids = Find(Parsed(text));
    EXPECT_OK(ids) << text;
    return ids.value_or(std::vector<std::string>{"none"});
  }
};

TEST_F(RunConditionsTest, EveryFieldTakesItsOperatorsAndNoOther) {
  int taken = 0;
  for (const std::string& name : EveryName()) {
    const RunField& field = *FindRunField(name);
    const std::string allowed = " " + OperatorsOf(field.type) + " ";
    for (const std::string& op : Operators()) {
      const std::string text = name + op + ValueFor(field);
      const auto conditions = RunConditions::Parse(text, kNow);
      if (allowed.find(" " + op + " ") == std::string::npos) {
        EXPECT_THAT(conditions, Refused("takes")) << text;
        continue;
      }
      ++taken;
      ASSERT_OK(conditions) << text;
      EXPECT_OK(Find(*conditions)) << text << ": " << conditions->Sql(1);
    }
  }
  EXPECT_GT(taken, 150);
}

TEST_F(RunConditionsTest, FindsWhatItSays) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {"", {"abc", "bbb", "aaa"}},
      {"device=studio/cpu", {"abc", "aaa"}},
      {"device=all", {"abc", "bbb", "aaa"}},
      {"device=*/m?s", {"bbb"}},
      {"device!=studio/cpu", {"bbb"}},
      {"device~PS", {"bbb"}},
      {"host=stu*", {"abc", "bbb", "aaa"}},
      {"kind=mps|cuda", {"bbb"}},
      {"kind!=mps|cuda", {"abc", "aaa"}},
      {"model=\"model of mps\"", {"bbb"}},
      {"label.room=b12", {"bbb"}},
      {"label.room!=b12", {}},
      {"label.roof=b12", {}},
      {"workload=simclr-cifar10", {"bbb", "aaa"}},
      {"workload=simclr-*", {"abc", "bbb", "aaa"}},
      {"workload=def", {"abc"}},
      {"workload!=def456", {"bbb", "aaa"}},
      {"workload~synthetic", {"abc"}},
      {"state=failed|queued", {"abc", "bbb"}},
      {"state!=failed|queued", {"aaa"}},
      {"validity=clean", {"aaa"}},
      {"validity=not_evaluated", {"abc"}},
      {"validity = \"not evaluated\" | contaminated", {"abc", "bbb"}},
      {"reason~steal", {"bbb"}},
      {"run=a", {"abc", "aaa"}},
      {"run=last", {"abc"}},
      {"run=last:3", {"aaa"}},
      {"run!=last", {"bbb", "aaa"}},
      {"job=j", {"bbb", "aaa"}},
      {"job=last", {"abc"}},
      {"job!=k2", {"bbb", "aaa"}},
      {"since=3d", {"abc", "aaa"}},
      {"until=1d", {"bbb", "aaa"}},
      {"since=100d,until=10d", {"bbb"}},
      {"since=2024-10-02", {"abc", "aaa"}},
      {"until=2024-10-02", {"bbb", "aaa"}},
      {"created=2024-10-02", {"aaa"}},
      {"created!=2024-10-02", {"abc", "bbb"}},
      {"created>2024-10-02", {"abc"}},
      {"created>=2024-10-02", {"abc", "aaa"}},
      {"created<2024-10-02", {"bbb"}},
      {"created<=2024-10-02", {"bbb", "aaa"}},
      {"created>2024-10-01T23:59", {"abc", "aaa"}},
      {"dataset=cifar10@1a2b", {"aaa"}},
      {"dataset=synthetic-cifar10", {"abc"}},
      {"segment=s1", {"aaa"}},
      {"software~\"libtorch 2.11\"", {"aaa"}},
      {"synthetic=true", {"abc"}},
      {"synthetic=false,partial=false", {"bbb", "aaa"}},
      {"batch_size>=512", {"abc"}},
      {"config.precision=bf16", {"abc"}},
      {"precision!=fp32", {"abc"}},
      {"gather_negatives=true", {"abc"}},
      {"seed=42", {"bbb"}},
      {"repetition>1", {"bbb"}},
      {"epoch_seconds<300", {"aaa"}},
      {"epoch_seconds<=300", {"bbb", "aaa"}},
      {"epoch_seconds!=250", {"bbb"}},  // not measured is not unequal
      {"knn_accuracy>=0.4", {"aaa"}},
      {"peak_memory_bytes>1e9", {"aaa"}},
      {"failure~memory", {"bbb"}},
      {"note~\"loud, WINDOW\"", {"bbb"}},
      {"note=second", {"bbb"}},
      {"note!=second", {"abc", "aaa"}},
      {"note~fan|open", {"bbb"}},
      {"device=studio/cpu,validity=clean,since=30d", {"aaa"}},
      {" device = studio/cpu , state = queued ", {"abc"}},
  };
  for (const auto& [text, ids] : cases) {
    EXPECT_THAT(Find(text), ::testing::ElementsAreArray(ids)) << text;
  }
}

TEST_F(RunConditionsTest, AQuickRunIsFoundByItsEstimate) {
  ASSERT_OK_AND_ASSIGN(const v1::AttemptRef attempt, tx_.InsertAttempt("abc", "command", 1));
  Run("UPDATE attempt SET estimated_epoch_seconds = 99");
  EXPECT_THAT(Find("epoch_seconds<100"), ElementsAre("abc"));
}

TEST_F(RunConditionsTest, HostileTextIsOnlyText) {
  const std::vector<std::string> hostile = {"'",
                                            "''",
                                            "' OR 1=1 --",
                                            "x'); DROP TABLE run; --",
                                            ";",
                                            "--",
                                            "/*",
                                            "\\",
                                            "%",
                                            "_",
                                            "?1",
                                            "$x",
                                            ":x",
                                            "@x",
                                            "{}",
                                            "[",
                                            "[^",
                                            "***************",
                                            "\xf0\x9f\x90\x8c",
                                            "NULL",
                                            "1 OR 1",
                                            std::string(1500, 'a'),
                                            std::string(1500, '*') + "z",
                                            std::string(1500, '[')};
  for (const std::string& name : EveryName()) {
    if (FindRunField(name)->type != RunField::Type::kText &&
        FindRunField(name)->type != RunField::Type::kWorkload &&
        FindRunField(name)->type != RunField::Type::kId)
      continue;
    for (const std::string& text : hostile) {
      for (const std::string& value : {text, "\"" + text + "\""}) {
        const auto conditions = RunConditions::Parse(name + "=" + value, kNow);
        if (!conditions.ok()) continue;  // refused with words is good, too
        // A data set's name and its hash stand in different tables.
        const std::string like = value.find('@') == std::string::npos ? "=/x" : "=/@x";
        const bool pattern = conditions->conditions()[0].values[0].pattern;
        EXPECT_EQ(conditions->Sql(1), Parsed(name + like + (pattern ? "*" : "")).Sql(1))
            << name << value;
        EXPECT_OK(Find(*conditions)) << name << value;
      }
    }
  }
  EXPECT_EQ(Ask("SELECT count(*) FROM run"), "3");
  for (const std::string& text : {std::string("device=a\0b", 10), std::string("note~a\nb"),
                                  std::string("note~\x7f"), std::string("\x01")})
    EXPECT_THAT(RunConditions::Parse(text, kNow), Refused("control character"));
}

TEST_F(RunConditionsTest, TextInQuotesIsNoPattern) {
  Run("INSERT INTO annotation VALUES (3, 1, 1, 'eva', 'a*b'), (4, 3, 1, 'eva', 'axb')");
  EXPECT_THAT(Find("note=a*b"), ElementsAre("abc", "aaa"));
  EXPECT_THAT(Find("note=\"a*b\""), ElementsAre("aaa"));
  Run("INSERT INTO annotation VALUES (5, 1, 1, 'eva', 'say \"x|y\"')");
  EXPECT_THAT(Find(R"(note="say ""x|y""")"), ElementsAre("aaa"));
}

TEST(RunConditionsParseTest, SaysWhatIsWrong) {
  const auto parse = [](const std::string& text) { return RunConditions::Parse(text, kNow); };
  EXPECT_THAT(parse("devic=x/y"),
              AllOf(Refused("unknown condition 'devic'"), Refused("did you mean 'device'?")));
  EXPECT_THAT(parse("batchsize=1"), Refused("did you mean 'batch_size'?"));
  EXPECT_THAT(parse("device"), Refused("'device' is no condition"));
  EXPECT_THAT(parse("device=a/b,"), Refused("'' is no condition"));
  EXPECT_THAT(parse("device=studio"), AllOf(Refused("device takes HOST/DEVICE, not 'studio'"),
                                            Refused("host=studio means")));
  EXPECT_THAT(parse("device="), Refused("nothing behind 'device='"));
  EXPECT_THAT(parse("state=failed|"), Refused("nothing behind 'state='"));
  EXPECT_THAT(parse("state=failed|lots"),
              AllOf(Refused("state takes one of queued,"), Refused("did you mean 'state=lost'?")));
  EXPECT_THAT(parse("partial=maybe"), Refused("partial takes true or false, not 'maybe'"));
  EXPECT_THAT(parse("epoch_seconds<fast"), Refused("epoch_seconds takes a number, not 'fast'"));
  EXPECT_THAT(parse("epoch_seconds<nan"), Refused("takes a number"));
  EXPECT_THAT(parse("epoch_seconds<1e999"), Refused("takes a number"));
  EXPECT_THAT(parse("epoch_seconds<1|2"), Refused("takes one value"));
  EXPECT_THAT(parse("since=soon"), Refused("since takes 30d, 12h, 45m, 2w or a time"));
  EXPECT_THAT(parse("since=1d|2d"), Refused("takes one value"));
  EXPECT_THAT(parse("since>1d"), Refused("since takes =, not >"));
  EXPECT_THAT(parse("created>30d"), Refused("since=30d counts back from now"));
  EXPECT_THAT(parse("run=last:0"), Refused("last or last:2"));
  EXPECT_THAT(parse("run=lastly"), Refused("last or last:2"));
  EXPECT_THAT(parse("note=\"a"), Refused("a quote is not closed"));
  EXPECT_THAT(parse("note=\"a\"b"), Refused("a comma is missing before 'b'"));
  EXPECT_THAT(RunConditions::Parse("x=1", kNow, "selection"), Refused("selection 'x=1': "));
  EXPECT_THAT(parse("x" + std::string(500, 'y') + "=1"), Refused("…'"));
}

TEST(RunConditionsParseTest, HasLimits) {
  const auto parse = [](const std::string& text) { return RunConditions::Parse(text, kNow); };
  EXPECT_OK(parse("note=" + std::string(kMaxFilterBytes - 5, 'a')));
  EXPECT_THAT(parse("note=" + std::string(kMaxFilterBytes - 4, 'a')),
              Refused("longer than 2000 bytes"));
  std::string many = "seed=1";
  for (size_t i = 1; i < kMaxFilterConditions; ++i) many += ",seed=1";
  EXPECT_OK(parse(many));
  EXPECT_THAT(parse(many + ",seed=1"), Refused("more than 32 conditions"));
  std::string values = "seed=1";
  for (size_t i = 1; i < kMaxConditionValues; ++i) values += "|1";
  EXPECT_OK(parse(values));
  EXPECT_THAT(parse(values + "|1"), Refused("more than 64 values"));
}

TEST(RunConditionsParseTest, ConditionsDifferFromIdsAndDevices) {
  for (const char* text : {"device=x", "epoch_seconds<3", " note ~ a/b", "state!=lost"})
    EXPECT_TRUE(LooksLikeConditions(text)) << text;
  for (const char* text : {"", "7f3a", "studio/mps", "last:2", "ho<x/y", "devic=x"})
    EXPECT_FALSE(LooksLikeConditions(text)) << text;
}

// Imported results are matched in memory, runs in the database: the same conditions must mean the
// same. Random ones, on random rows of a few values.
TEST_F(RunConditionsTest, MemoryAndDatabaseAgree) {
  std::mt19937 random(7);  // NOLINT: the same rows each time
  const auto pick = [&](const std::vector<std::string>& words) {
    return words[random() % words.size()];
  };
  const std::vector<std::string> texts = {"cpu", "mps", "cp", "CPU", "c[p]u", "model of mps"};
  const std::vector<std::string> patterns = {"c*",      "*u",  "?pu", "cpu", "CPU", "c[p]u",
                                             "c[a-z]u", "[*]", "x",   "p",   "M"};
  for (int round = 0; round < 300; ++round) {
    RunLike row;
    const std::string model = pick(texts);
    const double seconds = static_cast<double>(random() % 4);
    const bool measured = random() % 3 != 0;
    row.texts["model"] = model;
    row.texts["workload"] = "simclr-cifar10";
    row.texts["workload_hash"] = "abc123";
    if (measured) row.numbers["knn_accuracy"] = seconds;
    database().exec("UPDATE run SET device_model = '" + model + "', knn_accuracy = " +
                    (measured ? std::to_string(seconds) : "NULL") + " WHERE id = 'aaa'");
    const std::string number = std::to_string(random() % 4);
    const std::string text =
        "model" + pick({"=", "!=", "~"}) + pick(patterns) + pick({"", "|" + pick(patterns)}) + "," +
        pick({"knn_accuracy" + pick({"=", "!=", "<", "<=", ">", ">="}) + number,
              "workload" + pick({"=", "!=", "~"}) + pick({"abc", "simclr-cifar10", "s*", "xyz"})});
    const RunConditions where = Parsed(text);
    const auto found = Find("run=aaa," + text);
    EXPECT_EQ(where.Matches(row), found == std::vector<std::string>{"aaa"})
        << text << " on " << model << " " << (measured ? std::to_string(seconds) : "-");
  }
}

}  // namespace
}  // namespace laptime::storage
