#include "agent/report_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

class RecordingLink : public CoordinatorLink {
 public:
  bool Send(v1::AgentMessage message) override {
    if (closing) return false;
    sent.push_back(message.report().seq());
    return true;
  }

  bool closing = false;
  std::vector<uint64_t> sent;
};

class ReportSenderTest : public ::testing::Test {
 protected:
  void Spool(int count, size_t bytes = 1) {
    for (int i = 0; i < count; ++i) {
      v1::Report report;
      report.mutable_log_chunk()->set_text(std::string(bytes, 'x'));
      ASSERT_OK(spool_->Append(report));
    }
  }

  testing::TempDir dir_;
  std::unique_ptr<agent::Spool> spool_ = *agent::Spool::Open(dir_.File("spool.db"), {});
  ReportSender sender_{*spool_};
  RecordingLink link_;
};

TEST_F(ReportSenderTest, SendsEachReportOnceOnAStream) {
  Spool(3);
  ASSERT_OK(sender_.Begin(0));
  ASSERT_OK(sender_.Pump(link_));
  ASSERT_OK(sender_.Pump(link_));
  Spool(1);
  ASSERT_OK(sender_.Pump(link_));
  EXPECT_THAT(link_.sent, ::testing::ElementsAre(1, 2, 3, 4));
}

TEST_F(ReportSenderTest, StaysWithinItsWindowUntilAcknowledged) {
  const int more = static_cast<int>(kReportWindow) + 30;
  Spool(more);
  ASSERT_OK(sender_.Begin(0));
  ASSERT_OK(sender_.Pump(link_));
  EXPECT_GE(link_.sent.size(), kReportWindow);
  EXPECT_LT(link_.sent.size(), kReportWindow + 16);
  ASSERT_OK(sender_.Acknowledged(link_.sent.back()));
  ASSERT_OK(sender_.Pump(link_));
  EXPECT_EQ(link_.sent.size(), static_cast<size_t>(more));
}

TEST_F(ReportSenderTest, CountsBytesToo) {
  Spool(60, 100'000);
  ASSERT_OK(sender_.Begin(0));
  ASSERT_OK(sender_.Pump(link_));
  EXPECT_LE(link_.sent.size(), kReportWindowBytes / 100'000 + 16);
}

TEST_F(ReportSenderTest, SendsAgainWhatWasNotAcknowledged) {
  Spool(4);
  ASSERT_OK(sender_.Begin(0));
  ASSERT_OK(sender_.Pump(link_));
  ASSERT_OK(sender_.Acknowledged(1));
  RecordingLink next;
  ASSERT_OK(sender_.Begin(2));
  ASSERT_OK(sender_.Pump(next));
  EXPECT_THAT(next.sent, ::testing::ElementsAre(3, 4));
}

TEST_F(ReportSenderTest, StopsAtAStreamThatCloses) {
  Spool(4);
  ASSERT_OK(sender_.Begin(0));
  link_.closing = true;
  ASSERT_OK(sender_.Pump(link_));
  EXPECT_EQ(spool_->ReadFrom(0, 10)->size(), 4u);
}

TEST_F(ReportSenderTest, KeepsWhatWasNeverSentWhateverIsAcknowledged) {
  Spool(2);
  ASSERT_OK(sender_.Begin(0));
  ASSERT_OK(sender_.Acknowledged(100));
  EXPECT_EQ(spool_->ReadFrom(0, 10)->size(), 2u);
}

}  // namespace
}  // namespace laptime::agent
