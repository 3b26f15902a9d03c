// What a job may say to a machine: what to train. Never a command, a path or an environment.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "laptime/v1/agent.pb.h"
#include "laptime/v1/control.pb.h"
#include "proto/support/workload_spec.h"

namespace laptime {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

std::set<std::string> FieldsOf(const Descriptor& type) {
  std::set<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.insert(std::string(type.field(i)->name()));
  return names;
}

// Words in the name of a field that would carry what no job may carry.
std::vector<std::string> SuspectWords(const std::string& field) {
  // The command is the message itself; its id only names it.
  if (field == "command_id") return {};
  std::vector<std::string> found;
  for (const char* word : {"command", "path", "env", "argument", "argv", "shell", "exec", "script",
                           "file", "dir", "program", "binary", "image", "mount", "url"}) {
    if (field.find(word) != std::string::npos) found.emplace_back(word);
  }
  return found;
}

// Everything that a coordinator can tell an agent, messages within messages included.
void CheckAll(const Descriptor& type, std::set<const Descriptor*>& seen) {
  if (!seen.insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    EXPECT_THAT(SuspectWords(std::string(field->name())), ::testing::IsEmpty())
        << field->full_name();
    EXPECT_NE(field->type(), FieldDescriptor::TYPE_BYTES) << field->full_name();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
      CheckAll(*field->message_type(), seen);
  }
}

TEST(JobSurfaceTest, TheAgentIsToldWhatToTrainAndNothingElse) {
  EXPECT_THAT(FieldsOf(*v1::StartRun::descriptor()),
              ::testing::UnorderedElementsAre("command_id", "attempt", "device", "workload",
                                              "workload_hash", "config_json"));
  std::set<const Descriptor*> seen;
  CheckAll(*v1::CoordinatorMessage::descriptor(), seen);
  CheckAll(*v1::SubmitJobRequest::descriptor(), seen);
  EXPECT_GE(seen.size(), 9);
}

// The configuration that StartRun carries holds numbers, truths and words from a list: there is no
// key that takes a text of somebody's own.
TEST(JobSurfaceTest, NoKeyOfAWorkloadTakesAnyText) {
  for (const WorkloadKey& key : WorkloadKeys()) {
    EXPECT_THAT(
        SuspectWords(key.name == "train_images" || key.name == "eval_images" ? "" : key.name),
        ::testing::IsEmpty());
    const std::map<std::string, std::string> settings = {{key.name, "../x; touch y"}};
    EXPECT_TRUE(std::holds_alternative<SpecError>(ResolveWorkload("simclr-cifar10", settings)))
        << key.name;
  }
}

TEST(JobSurfaceTest, TheWordsAreSeen) {
  EXPECT_THAT(SuspectWords("command_line"), ::testing::SizeIs(1));
  EXPECT_THAT(SuspectWords("data_dir"), ::testing::SizeIs(1));
  EXPECT_THAT(SuspectWords("environment"), ::testing::SizeIs(1));
  EXPECT_THAT(SuspectWords("workload_hash"), ::testing::IsEmpty());
}

}  // namespace
}  // namespace laptime
