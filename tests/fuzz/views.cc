// Answers as the client prints them, from a coordinator that nobody vouches for: the number of a
// kind of answer, then the message. Nothing that it holds may reach a terminal, a spreadsheet or a
// page as more than text.

#include "tests/fuzz/harness.h"
#include "tests/fuzz/message_mutator.h"
#include "tests/testing/shown_answers.h"

namespace {

const laptime::testing::ShownAnswer& KindOf(uint8_t number) {
  static const auto& kinds =
      *new std::vector<laptime::testing::ShownAnswer>(laptime::testing::ShownAnswers());
  return kinds[number % kinds.size()];
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  using namespace laptime::fuzz;
  const auto type = [](uint8_t number) -> const google::protobuf::Message& {
    return *KindOf(number).type;
  };
  return MutateTyped(type, data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace laptime::fuzz;
  Input input(data, size);
  const auto& kind = KindOf(input.Byte());
  const std::unique_ptr<google::protobuf::Message> message(kind.type->New());
  if (!message->ParseFromString(input.Rest())) return 0;
  for (const auto& shown : kind.show(*message)) {
    const std::string danger = laptime::testing::DangerOf(shown);
    Must(danger.empty(), danger + " in: " + shown.text.substr(0, 2000));
  }
  return 0;
}
