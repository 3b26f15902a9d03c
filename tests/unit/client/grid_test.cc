#include "client/grid.h"

#include <gmock/gmock.h>

#include "tests/testing/status_matchers.h"

namespace laptime::client {
namespace {

using ::laptime::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

Grid Example() {
  Grid grid;
  grid.headings = {{"name", "NAME", false, false},
                   {"seconds", "SECONDS", true, false},
                   {"notes", "NOTES", false, true}};
  grid.rows = {
      {TextCell("Büro/mps"), MeasuredCell(1.5, [](double) { return std::string("1.50 s"); }),
       TextCell("")},
      {TextCell("ノート"), MeasuredCell(std::nullopt, nullptr), TextCell("a|b, \"c\"")},
  };
  return grid;
}

TEST(GridTest, TableAlignsByDisplayColumns) {
  EXPECT_EQ(RenderTable(Narrow(Example()), false),
            "NAME      SECONDS\n"
            "Büro/mps   1.50 s\n"
            "ノート          —\n");
}

TEST(GridTest, WideTableHasEveryColumn) {
  EXPECT_EQ(RenderTable(Example(), false),
            "NAME      SECONDS  NOTES\n"
            "Büro/mps   1.50 s  —\n"
            "ノート          —  a|b, \"c\"\n");
}

TEST(GridTest, TableWithoutRowsIsTheHeader) {
  Grid grid = Narrow(Example());
  grid.rows.clear();
  EXPECT_EQ(RenderTable(grid, false), "NAME  SECONDS\n");
}

TEST(GridTest, ColorSurroundsThePaddedText) {
  Grid grid;
  grid.headings = {{"a", "A", false, false}, {"b", "B", false, false}};
  grid.rows = {{TextCell("x", Style::kBad), TextCell("y")}};
  EXPECT_EQ(RenderTable(grid, true), "\033[2mA\033[0m  \033[2mB\033[0m\n\033[31mx\033[0m  y\n");
}

TEST(GridTest, CsvQuotesAndKeepsExactValues) {
  EXPECT_EQ(RenderCsv(Example()),
            "name,seconds,notes\n"
            "Büro/mps,1.5,\n"
            "ノート,,\"a|b, \"\"c\"\"\"\n");
}

TEST(GridTest, CsvDisarmsFormulasButNotNumbers) {
  Grid grid;
  grid.headings = {{"a", "A", false, false}};
  for (const char* text : {"=1+1", "+cmd", "@sum", "-x", "-1.5", "\t=1", "a\nb"})
    grid.rows.push_back({TextCell(text)});
  EXPECT_EQ(RenderCsv(grid), "a\n'=1+1\n'+cmd\n'@sum\n'-x\n-1.5\n?=1\na?b\n");
}

TEST(GridTest, MarkdownEscapesItsOwnSigns) {
  Grid grid = Example();
  grid.rows.push_back({TextCell("<b>&*x*"), TextCell("1"), TextCell("[a](b)")});
  EXPECT_EQ(RenderMarkdown(grid),
            "| NAME | SECONDS | NOTES |\n"
            "| --- | ---: | --- |\n"
            "| Büro/mps | 1.50 s | — |\n"
            "| ノート | — | a\\|b, \"c\" |\n"
            "| &lt;b>&amp;\\*x\\* | 1 | \\[a\\](b) |\n");
}

TEST(GridTest, TableNeutralisesWhatAHostSent) {
  Grid grid;
  grid.headings = {{"a", "A", false, false}};
  grid.rows = {{TextCell("x\033[2J\ny")}};
  EXPECT_EQ(RenderTable(grid, false), "A\nx?[2J?y\n");
}

TEST(SelectFieldsTest, TakesColumnsInTheOrderAskedFor) {
  const auto grid = SelectFields(Example(), {"notes", "name"});
  ASSERT_OK(grid);
  EXPECT_EQ(RenderTable(*grid, false), "NOTES     NAME\n—         Büro/mps\na|b, \"c\"  ノート\n");
}

TEST(SelectFieldsTest, NamesTheNearestField) {
  EXPECT_THAT(SelectFields(Example(), {"secnds"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'secnds'"), HasSubstr("did you mean 'seconds'?"),
                             HasSubstr("fields: name seconds notes"))));
}

TEST(RenderFactsTest, LeavesOutWhatIsUnknown) {
  EXPECT_EQ(RenderFacts({{"run", "7f"}, {"very long", ""}, {"device", "a/cpu"}}),
            "run     7f\ndevice  a/cpu\n");
}

}  // namespace
}  // namespace laptime::client
