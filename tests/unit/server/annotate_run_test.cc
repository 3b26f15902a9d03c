#include "server/annotate_run.h"

#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

class AnnotateRunTest : public testing::CoordinatorFixture {
 protected:
  AnnotateRunTest() : link_(Attach("box")) { run_id_ = SubmitTo("box/cpu").runs(0).id(); }

  absl::StatusOr<std::string> Note(const std::string& text, const std::string& author = "ada",
                                   const std::string& id = "last") {
    v1::AnnotateRunRequest request;
    request.set_id(id);
    request.set_text(text);
    request.set_author(author);
    return AnnotateRun(*store_, request, ++now_);
  }

  std::vector<v1::Annotation> Notes() {
    std::vector<v1::Annotation> notes;
    EXPECT_OK(store_->Read([&](const storage::Reader& reader) {
      auto read = reader.Annotations(run_id_);
      if (read.ok()) notes = *read;
      return read.status();
    }));
    return notes;
  }

  std::shared_ptr<testing::FakeLink> link_;
  std::string run_id_;
  int64_t now_ = 1000;
};

TEST_F(AnnotateRunTest, NotesAreKeptInOrder) {
  ASSERT_OK_AND_ASSIGN(const std::string id, Note("  first\nline two "));
  EXPECT_EQ(id, run_id_);
  EXPECT_OK(Note("second", "eva", run_id_.substr(0, 6)));
  const auto notes = Notes();
  ASSERT_EQ(notes.size(), 2);
  EXPECT_EQ(notes[0].text(), "first\nline two");
  EXPECT_EQ(notes[0].at_unix_ms(), 1001);
  EXPECT_EQ(notes[1].author(), "eva");
}

TEST_F(AnnotateRunTest, TextsHaveLimits) {
  const auto refused = [](const std::string& words) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(words));
  };
  std::string umlauts;
  for (int i = 0; i < kMaxNoteCharacters; ++i) umlauts += "ä";
  EXPECT_OK(Note(umlauts));  // characters, not bytes
  EXPECT_THAT(Note(umlauts + "x"), refused("has 1001 characters"));
  EXPECT_THAT(Note(""), refused("the note is empty"));
  EXPECT_THAT(Note(" \n\t"), refused("the note is empty"));
  EXPECT_THAT(Note("bell\a"), refused("control character"));
  EXPECT_THAT(Note("x", ""), refused("the author is empty"));
  EXPECT_THAT(Note("x", std::string(kMaxAuthorCharacters + 1, 'a')), refused("65 characters"));
  EXPECT_THAT(Note("x", "ada", "nothing"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("")));
  EXPECT_EQ(Notes().size(), 1);
}

TEST_F(AnnotateRunTest, ARunHasOnlySoMany) {
  ASSERT_OK(store_->Write([&](storage::Transaction& tx) -> absl::Status {
    v1::Annotation note;
    note.set_text("x");
    for (int i = 1; i < kMaxNotesPerRun; ++i)
      if (absl::Status status = tx.InsertAnnotation(run_id_, note); !status.ok()) return status;
    return absl::OkStatus();
  }));
  EXPECT_OK(Note("the last"));
  EXPECT_THAT(Note("one more"), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("1000")));
}

}  // namespace
}  // namespace laptime
