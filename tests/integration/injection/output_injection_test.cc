// Payloads in every text of every answer of ControlService, as the client prints it in every
// format.

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>

#include "laptime/v1/control.pb.h"
#include "tests/integration/injection/payloads.h"
#include "tests/integration/injection/text_fields.h"
#include "tests/testing/output_dangers.h"
#include "tests/testing/promise_row.h"
#include "tests/testing/shown_answers.h"

namespace laptime::testing {
namespace {

TEST(OutputInjectionTest, EveryAnswerIsLookedAt) {
  std::set<std::string> shown;
  for (const ShownAnswer& answer : ShownAnswers())
    shown.insert(std::string(answer.type->GetDescriptor()->name()));
  const auto* service =
      v1::SubmitJobRequest::descriptor()->file()->FindServiceByName("ControlService");
  for (int i = 0; i < service->method_count(); ++i)
    EXPECT_TRUE(shown.contains(std::string(service->method(i)->output_type()->name())))
        << service->method(i)->name();
}

TEST(OutputInjectionTest, NoTextOfAnyAnswerReachesAReaderAsMoreThanText) {
  int texts = 0;
  int pages = 0;
  int dangers = 0;
  for (const ShownAnswer& answer : ShownAnswers()) {
    for (const TextField& field : TextFields(*answer.type->GetDescriptor())) {
      for (const Payload& payload : OutputPayloads()) {
        const std::unique_ptr<google::protobuf::Message> message(answer.type->New());
        PutText(*message, field, payload.text);
        ++texts;
        for (const ShownText& shown : answer.show(*message)) {
          ++pages;
          const std::string danger = DangerOf(shown);
          if (danger.empty()) continue;
          if (++dangers < 20)
            ADD_FAILURE() << answer.type->GetDescriptor()->name() << "." << field.name << " <- "
                          << payload.text << ": " << danger << "\n"
                          << shown.text;
        }
      }
    }
  }
  PrintTried("S9", "pages of every answer with every payload", pages, dangers);
  EXPECT_EQ(dangers, 0);
  EXPECT_GE(texts, 2000);
}

// The control: printed as they are, all of them are dangers.
TEST(OutputInjectionTest, TheDetectorsSeeEveryPayloadThatIsPrintedAsItIs) {
  int tried = 0;
  int dangers = 0;
  for (const Payload& payload : OutputPayloads()) {
    const std::string screen = payload.text + "\n";
    const bool seen = !TerminalDanger(screen).empty() ||
                      !FormulaDanger("a," + payload.text + ",b\n").empty() ||
                      !MarkdownDanger("| " + payload.text + " |\n", 1).empty();
    EXPECT_TRUE(seen) << payload.family << ": " << payload.text;
    ++tried;
    dangers += seen ? 1 : 0;
  }
  PrintTried("S9 ctrl", "payloads printed as they are: must be dangers", tried, dangers);
  // And what is right is not.
  EXPECT_EQ(TerminalDanger("studio/mps  \xE4\xB8\xAD\xE6\x96\x87 \xC3\xA9 \xF0\x9F\x8F\x81\n"), "");
  EXPECT_EQ(TerminalDanger("\033[32mgood\033[0m\n", true), "");
  EXPECT_EQ(FormulaDanger("a,-5,+0.5,-1e-05\n\"x,y\",'=1+1,a-b\n"), "");
  EXPECT_EQ(MarkdownDanger("| a\\|b | &lt;x&gt; |\n| --- | ---: |\n", 2), "an entity at byte 14");
  EXPECT_EQ(MarkdownDanger("| a\\|b | &lt;x |\n| --- | ---: |\n", 2), "");
}

}  // namespace
}  // namespace laptime::testing
