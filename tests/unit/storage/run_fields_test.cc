#include "storage/run_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "proto/support/workload_spec.h"

namespace laptime::storage {
namespace {

TEST(RunFieldsTest, NamesAreUniqueAndFound) {
  std::set<std::string> names;
  for (const RunField& field : RunFields()) {
    EXPECT_TRUE(names.insert(field.name).second) << field.name;
    EXPECT_EQ(FindRunField(field.name), &field) << field.name;
    EXPECT_FALSE(field.help.empty()) << field.name;
    EXPECT_EQ(field.choices.empty(), field.type != RunField::Type::kChoice) << field.name;
  }
  EXPECT_EQ(FindRunField("nothing"), nullptr);
  EXPECT_EQ(FindRunField(""), nullptr);
  EXPECT_EQ(FindRunField("label."), nullptr);
  ASSERT_NE(FindRunField("label.room"), nullptr);
}

TEST(RunFieldsTest, EveryWorkloadKeyCanBeReached) {
  for (const WorkloadKey& key : WorkloadKeys()) {
    EXPECT_NE(FindRunField(key.name), nullptr) << key.name;
    EXPECT_NE(FindRunField("config." + key.name), nullptr) << key.name;
  }
  EXPECT_EQ(FindRunField("batch_size")->type, RunField::Type::kNumber);
  EXPECT_EQ(FindRunField("model")->of,
            RunField::Of::kRun);  // the device's; the network is config.model
  EXPECT_EQ(FindRunField("config.model")->of, RunField::Of::kJob);
}

TEST(RunFieldsTest, ChoicesAreTheWordsThatPeopleSee) {
  std::vector<std::string> words;
  for (const auto& [word, number] : FindRunField("validity")->choices) words.push_back(word);
  EXPECT_THAT(words, ::testing::ElementsAre("not evaluated", "clean", "suspect", "contaminated",
                                            "invalid"));
}

// What people read is made from the table; whoever changes the one changes the other.
TEST(RunFieldsTest, TheReadmeHoldsTheReference) {
  std::ifstream file(LAPTIME_SOURCE_DIR "/client/README.md");
  std::stringstream readme;
  readme << file.rdbuf();
  EXPECT_NE(readme.str().find(RunFieldsReference()), std::string::npos)
      << "put this into client/README.md:\n"
      << RunFieldsReference();
}

}  // namespace
}  // namespace laptime::storage
