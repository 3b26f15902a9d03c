#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "google/protobuf/util/message_differencer.h"
#include "storage/epoch_columns.h"
#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::util::MessageDifferencer;
using ::laptime::testing::StatusIs;
using ::testing::HasSubstr;

// Visits every field that is not a message, at any depth, with the message that holds it.
template <typename Visit>
void ForEachLeaf(Message& message, const Visit& visit) {
  const google::protobuf::Descriptor& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (field.message_type() == nullptr) {
      visit(message, field);
    } else {
      ForEachLeaf(*message.GetReflection()->MutableMessage(&message, &field), visit);
    }
  }
}

void SetNumber(Message& message, const FieldDescriptor& field, int value) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.SetDouble(&message, &field, value == 0 ? 0 : value + 0.125);
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.SetInt32(&message, &field, value);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetInt64(&message, &field, int64_t{value} << 32);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.SetBool(&message, &field, value != 0);
    default:
      return reflection.SetString(&message, &field,
                                  value == 0 ? "" : "text " + std::to_string(value));
  }
}

class EpochsTest : public DatabaseTest {
 protected:
  v1::Epoch StoredAndRead(v1::Epoch epoch) {
    epoch.set_number(++number_);
    EXPECT_TRUE(tx_.InsertEpoch(attempt_, epoch).value());
    v1::Epoch read = tx_.Epochs("r1", 1).value().back();
    EXPECT_EQ(read.number(), number_);
    read.set_number(0);
    return read;
  }

  void ExpectRoundTrip(const v1::Epoch& epoch, const std::string& what) {
    const v1::Epoch read = StoredAndRead(epoch);
    EXPECT_TRUE(MessageDifferencer::Equals(epoch, read)) << what << "\nstored:\n"
                                                         << epoch.DebugString() << "read:\n"
                                                         << read.DebugString();
  }

  const v1::AttemptRef attempt_ = Seeder::AddAttempt(tx_);
  int number_ = 0;
};

TEST_F(EpochsTest, EveryFieldHasAColumn) {
  std::set<std::string> mapped = {"laptime.v1.Epoch.number"};
  v1::Epoch epoch;
  for (const EpochColumn& column : EpochColumns()) {
    const std::string part(column.part);
    const google::protobuf::Descriptor* holder = epoch.GetDescriptor();
    if (!part.empty()) holder = holder->FindFieldByName(part)->message_type();
    mapped.insert(std::string(holder->full_name()) + "." + column.field);
  }
  std::set<std::string> fields;
  ForEachLeaf(epoch, [&](Message&, const FieldDescriptor& field) {
    fields.insert(std::string(field.full_name()));
  });
  EXPECT_EQ(fields, mapped);
}

// A round trip would not notice two columns that were swapped.
TEST_F(EpochsTest, AColumnIsNamedAfterItsField) {
  for (const EpochColumn& column : EpochColumns()) {
    const std::string part = column.part == std::string("step_seconds") ? "step_" : "";
    EXPECT_THAT("_" + std::string(column.column) + "_", HasSubstr("_" + part + column.field + "_"));
  }
}

TEST_F(EpochsTest, EveryFieldComesBackAsItWas) {
  v1::Epoch full;
  int value = 0;
  ForEachLeaf(full, [&](Message& message, const FieldDescriptor& field) {
    SetNumber(message, field, ++value);
  });
  full.set_number(0);
  ExpectRoundTrip(full, "full");
}

TEST_F(EpochsTest, ZeroIsNotAbsent) {
  ExpectRoundTrip({}, "empty");
  v1::Epoch zeros;
  ForEachLeaf(zeros,
              [](Message& message, const FieldDescriptor& field) { SetNumber(message, field, 0); });
  ExpectRoundTrip(zeros, "zeros");
}

TEST_F(EpochsTest, EachFieldAloneComesBackAlone) {
  v1::Epoch shape;
  std::vector<const FieldDescriptor*> fields;
  ForEachLeaf(shape, [&](Message&, const FieldDescriptor& field) { fields.push_back(&field); });
  for (const FieldDescriptor* wanted : fields) {
    if (wanted->full_name() == "laptime.v1.Epoch.number") continue;
    v1::Epoch epoch;
    Message* holder = &epoch;
    if (wanted->containing_type() != epoch.GetDescriptor()) {
      for (const char* part :
           {"phases", "utilization", "step_seconds", "trend", "conditions", "energy"}) {
        const FieldDescriptor* field = epoch.GetDescriptor()->FindFieldByName(part);
        if (field->message_type() != wanted->containing_type()) continue;
        holder = epoch.GetReflection()->MutableMessage(&epoch, field);
      }
    }
    SetNumber(*holder, *wanted, 3);
    ExpectRoundTrip(epoch, std::string(wanted->full_name()));
  }
}

TEST_F(EpochsTest, NotANumberIsNotAbsent) {
  v1::Epoch epoch;
  epoch.set_mean_loss(std::numeric_limits<double>::quiet_NaN());
  epoch.mutable_phases()->set_loss(std::numeric_limits<double>::quiet_NaN());
  epoch.set_last_loss(std::numeric_limits<double>::infinity());
  const v1::Epoch read = StoredAndRead(epoch);
  EXPECT_TRUE(std::isnan(read.mean_loss()));
  EXPECT_TRUE(std::isnan(read.phases().loss()));
  EXPECT_FALSE(read.phases().has_forward());
  EXPECT_EQ(read.last_loss(), std::numeric_limits<double>::infinity());
  EXPECT_FALSE(read.has_first_loss());
}

TEST_F(EpochsTest, TheFirstOneOfANumberStays) {
  v1::Epoch epoch;
  epoch.set_number(1);
  epoch.set_wall_seconds(10);
  EXPECT_TRUE(tx_.InsertEpoch(attempt_, epoch).value());
  epoch.set_wall_seconds(99);
  EXPECT_FALSE(tx_.InsertEpoch(attempt_, epoch).value());
  EXPECT_EQ(tx_.Epochs("r1", 1).value().at(0).wall_seconds(), 10);
  EXPECT_EQ(tx_.FindRun("r1").value().run.epochs_done(), 1);
  epoch.set_number(0);
  EXPECT_THAT(tx_.InsertEpoch(attempt_, epoch),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("count from 1")));
}

TEST_F(EpochsTest, RunFiguresFollowTheNewestAttempt) {
  const double walls[] = {30, 10, 20, 40};
  for (int i = 0; i < 4; ++i) {
    v1::Epoch epoch;
    epoch.set_number(i + 1);
    epoch.set_wall_seconds(walls[i]);
    epoch.set_mean_loss(5 - i);
    if (i != 2) epoch.mutable_utilization()->set_mean_percent(90 + i);
    if (i < 2) epoch.set_knn_accuracy(0.3 - 0.1 * i);
    epoch.mutable_step_seconds()->set_p50(i == 0 ? 9 : 1);
    epoch.set_peak_memory_bytes(i == 1 ? 2e9 : 1e9);
    ASSERT_OK(tx_.InsertEpoch(attempt_, epoch));
  }
  const v1::Run run = tx_.FindRun("r1").value().run;
  EXPECT_EQ(run.epochs_done(), 4);
  EXPECT_EQ(run.median_epoch_seconds(), 25);
  EXPECT_EQ(run.mean_loss(), 2);
  EXPECT_DOUBLE_EQ(run.knn_accuracy(), 0.3);
  EXPECT_DOUBLE_EQ(run.utilization_percent(), (90 + 91 + 93) / 3.0);
  EXPECT_EQ(run.median_step_seconds(), 1);
  EXPECT_EQ(run.peak_memory_bytes(), 2e9);

  ASSERT_OK_AND_ASSIGN(const v1::AttemptRef second, tx_.InsertAttempt("r1", "command-2", 0));
  EXPECT_EQ(tx_.FindRun("r1").value().run.epochs_done(), 0);
  EXPECT_FALSE(tx_.FindRun("r1").value().run.has_median_epoch_seconds());
  v1::Epoch late;
  late.set_number(5);
  EXPECT_TRUE(tx_.InsertEpoch(attempt_, late).value());  // stored under its attempt, not counted
  EXPECT_EQ(tx_.FindRun("r1").value().run.epochs_done(), 0);
  EXPECT_EQ(tx_.Epochs("r1", 1).value().size(), 5);
  EXPECT_EQ(tx_.Epochs("r1", 0).value().size(), 0);
  EXPECT_EQ(tx_.Attempts("r1").value().at(0).epochs_done(), 5);
  EXPECT_EQ(second.number(), 2);
}

TEST_F(EpochsTest, RunFiguresAreOfTheLapsInTheirOrder) {
  for (const int number : {1, 3, 2, 4}) {
    v1::Epoch epoch;
    epoch.set_number(number);
    epoch.set_wall_seconds(10 * number);
    epoch.set_mean_loss(number);
    ASSERT_OK(tx_.InsertEpoch(attempt_, epoch));
    EXPECT_EQ(tx_.FindRun("r1").value().run.mean_loss(), std::max(number, number == 2 ? 3 : 0));
  }
  EXPECT_EQ(tx_.FindRun("r1").value().run.epochs_done(), 4);
  EXPECT_EQ(tx_.FindRun("r1").value().run.median_epoch_seconds(), 25);
}

TEST_F(EpochsTest, AResumedAttemptTakesOverTheEpochsBeforeIt) {
  for (int number = 1; number <= 3; ++number) {
    v1::Epoch epoch;
    epoch.set_number(number);
    epoch.set_wall_seconds(10 * number);
    epoch.mutable_step_seconds()->set_p50(1);
    ASSERT_OK(tx_.InsertEpoch(attempt_, epoch));
  }
  const auto resume = [&](int attempt, int epochs) {
    v1::AttemptRef ref = tx_.InsertAttempt("r1", "command-" + std::to_string(attempt), 0).value();
    v1::AttemptStarted started;
    started.mutable_trainer()->set_resumed_epochs(epochs);
    EXPECT_OK(tx_.SetAttemptStarted(ref, started));
    return ref;
  };
  const v1::AttemptRef second = resume(2, 2);  // the third epoch was not in the checkpoint
  EXPECT_EQ(tx_.FindRun("r1").value().run.epochs_done(), 2);
  EXPECT_EQ(tx_.FindRun("r1").value().run.median_epoch_seconds(), 15);
  v1::Epoch again;
  again.set_number(3);
  again.set_wall_seconds(40);
  ASSERT_OK(tx_.InsertEpoch(second, again));
  resume(3, 3);
  std::vector<double> walls;
  const std::vector<v1::Epoch> epochs = tx_.Epochs("r1", 0).value();
  for (const v1::Epoch& epoch : epochs) walls.push_back(epoch.wall_seconds());
  EXPECT_THAT(walls, ::testing::ElementsAre(10, 20, 40));
  EXPECT_EQ(epochs[0].step_seconds().p50(), 1);
  EXPECT_EQ(Ask("SELECT group_concat(measured_in) FROM (SELECT measured_in FROM epoch_detail "
                "WHERE newest_attempt ORDER BY epoch)"),
            "1,1,2");
  EXPECT_EQ(tx_.Attempts("r1").value().at(2).resumed_epochs(), 3);
  EXPECT_EQ(tx_.Attempts("r1").value().at(0).resumed_epochs(), 0);
}

TEST_F(EpochsTest, AnEstimateComesBackWithItsAttemptAndRun) {
  EXPECT_FALSE(tx_.FindRun("r1").value().run.has_estimate());
  v1::AttemptFinished finished;
  v1::EpochEstimate& estimate = *finished.mutable_trainer()->mutable_estimate();
  estimate.set_epoch_seconds(1500);
  estimate.set_low_seconds(1490);
  estimate.set_high_seconds(1510);
  estimate.set_timed_steps(15);
  estimate.set_timed_images(3072);
  estimate.set_steady(true);
  finished.mutable_trainer()->set_epochs(1);
  ASSERT_OK(tx_.SetAttemptFinished(attempt_, finished));
  EXPECT_TRUE(MessageDifferencer::Equals(tx_.FindRun("r1").value().run.estimate(), estimate));
  EXPECT_TRUE(
      MessageDifferencer::Equals(tx_.Attempts("r1").value().at(0).finished().estimate(), estimate));
}

// What a part of a lap took is no epoch's energy; the lap itself keeps it.
TEST_F(EpochsTest, ARunWithAnEstimateTellsNoEnergyOfAnEpoch) {
  v1::Epoch epoch;
  epoch.set_number(1);
  epoch.mutable_energy()->set_joules(500);
  epoch.mutable_energy()->set_images_per_joule(5);
  ASSERT_OK(tx_.InsertEpoch(attempt_, epoch));
  EXPECT_EQ(tx_.FindRun("r1").value().run.joules_per_epoch(), 500);
  v1::AttemptFinished finished;
  finished.mutable_trainer()->set_epochs(1);
  ASSERT_OK(tx_.SetAttemptFinished(attempt_, finished));
  EXPECT_EQ(tx_.FindRun("r1").value().run.joules_per_epoch(), 500);
  finished.mutable_trainer()->mutable_estimate()->set_epoch_seconds(1500);
  ASSERT_OK(tx_.SetAttemptFinished(attempt_, finished));
  EXPECT_FALSE(tx_.FindRun("r1").value().run.has_joules_per_epoch());
  EXPECT_FALSE(tx_.FindRun("r1").value().run.has_images_per_joule());
  EXPECT_EQ(tx_.Epochs("r1", 0).value().at(0).energy().joules(), 500);
}

TEST_F(EpochsTest, ARunWithoutAttemptsHasNone) {
  Seeder::AddRun(tx_, "r2", "j1");
  EXPECT_EQ(tx_.Epochs("r2", 0).value().size(), 0);
  EXPECT_THAT(tx_.Epochs("r2", 1), StatusIs(absl::StatusCode::kNotFound, "no attempt 1 of run r2"));
  EXPECT_THAT(tx_.Epochs("r9", 0), StatusIs(absl::StatusCode::kNotFound, "no run r9"));
}

TEST_F(EpochsTest, MeasuredRunsOfLimitedWorkCarryTheirLaps) {
  v1::Job limited = Seeder::Job("limited");
  limited.mutable_workload()->set_partial(true);
  ASSERT_OK(tx_.InsertJob({limited, R"({"batch_size":128})", "key", "digest"}));
  Seeder::AddRun(tx_, "r2", "limited");
  ASSERT_OK_AND_ASSIGN(const v1::AttemptRef second, tx_.InsertAttempt("r2", "command-2", 3000));
  v1::Epoch epoch;
  epoch.set_number(1);
  epoch.set_evaluation_seconds(3.5);
  epoch.set_evaluated_images(60000);
  epoch.set_train_seconds(10);
  epoch.set_steps(20);
  ASSERT_OK(tx_.InsertEpoch(attempt_, epoch));
  ASSERT_OK(tx_.InsertEpoch(second, epoch));
  EXPECT_EQ(tx_.MeasuredRuns().value().size(), 0);
  ASSERT_OK(tx_.MoveRun("r1", v1::RUN_STATE_QUEUED, v1::RUN_STATE_SUCCEEDED, 0));
  ASSERT_OK(tx_.MoveRun("r2", v1::RUN_STATE_QUEUED, v1::RUN_STATE_SUCCEEDED, 0));
  ASSERT_OK_AND_ASSIGN(const auto measured, tx_.MeasuredRuns());
  ASSERT_EQ(measured.size(), 2);
  EXPECT_EQ(measured[0].run.id(), "r1");
  EXPECT_THAT(measured[0].evaluation_seconds, ::testing::IsEmpty());  // its lap says it all
  EXPECT_THAT(measured[1].evaluation_seconds, ::testing::ElementsAre(3.5));
  EXPECT_THAT(measured[1].step_seconds, ::testing::ElementsAre(0.5));
  EXPECT_EQ(measured[1].evaluated_images, 60000);
}

}  // namespace
}  // namespace laptime::storage
