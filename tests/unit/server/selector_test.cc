#include "server/selector.h"

#include "proto/support/status.h"
#include "tests/testing/status_matchers.h"

namespace laptime {
namespace {

using ::testing::HasSubstr;

v1::Device TestDevice() {
  v1::Device device;
  device.set_id("studio/mps");
  device.set_host("studio");
  device.set_name("mps");
  device.set_kind(v1::DEVICE_KIND_MPS);
  (*device.mutable_labels())["room"] = "b12";
  return device;
}

TEST(SelectorTest, MatchesInEveryForm) {
  for (const char* text :
       {"all", "studio/mps", "*/mps", "kind=mps", "host=studio", "host=stu*", "label.room=b12"}) {
    ASSERT_OK_AND_ASSIGN(Selector selector, Selector::Parse(text));
    EXPECT_TRUE(selector.Matches(TestDevice())) << text;
  }
}

TEST(SelectorTest, LeavesOutTheRest) {
  for (const char* text :
       {"studio/cpu", "kind=cpu", "host=studi", "label.room=b1", "label.floor=2"}) {
    ASSERT_OK_AND_ASSIGN(Selector selector, Selector::Parse(text));
    EXPECT_FALSE(selector.Matches(TestDevice())) << text;
  }
}

TEST(SelectorTest, OnlyAFullNameIsExact) {
  EXPECT_TRUE(Selector::Parse("studio/mps")->exact());
  EXPECT_FALSE(Selector::Parse("studio/*")->exact());
  EXPECT_FALSE(Selector::Parse("kind=mps")->exact());
}

// What the fuzzer found: to a pattern a backslash and a letter are the letter.
TEST(SelectorTest, AnExactOneIsNoPattern) {
  ASSERT_OK_AND_ASSIGN(Selector selector, Selector::Parse("s\\tudio/mps"));
  EXPECT_TRUE(selector.exact());
  EXPECT_FALSE(selector.Matches(TestDevice()));
}

TEST(SelectorTest, ARequestHasSoManyAndNoMore) {
  std::vector<std::string> texts(kMaxSelectors, "all");
  EXPECT_OK(ParseSelectors(texts));
  texts.emplace_back("all");
  EXPECT_THAT(ParseSelectors(texts),
              testing::StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1001 selectors")));
}

TEST(SelectorTest, NamesHoldNothingThatSelectorsPathsOrTerminalsRead) {
  for (const char* name : {"studio", "cuda:0", "a.b", "...", "gr\303\266\303\237e"})
    EXPECT_TRUE(IsPlainName(name)) << name;
  for (const char* name : {"", ".", "..", "a/b", "a\\b", "a=b", "a*", "a?", "[a]", "a b", "a\n"})
    EXPECT_FALSE(IsPlainName(name)) << name;
}

TEST(SelectorTest, RefusesWhatItDoesNotKnowWithTheNearest) {
  EXPECT_THAT(HintOf(Selector::Parse("kind=mpx").status()), HasSubstr("did you mean 'kind=mps'?"));
  EXPECT_THAT(HintOf(Selector::Parse("hos=studio").status()), HasSubstr("did you mean 'host'?"));
  for (const char* text : {"", "mps", "kind=", "label.=x", "="}) {
    EXPECT_THAT(Selector::Parse(text),
                testing::StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text)));
  }
}

}  // namespace
}  // namespace laptime
