// Several ranks in this process, each in a thread of its own, over real sockets.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <thread>
#include <vector>

#include "agent/trainer/failure.h"
#include "agent/trainer/ntxent.h"
#include "agent/trainer/ranks/rank_group.h"
#include "agent/trainer/ranks/rank_processes.h"
#include "agent/trainer/train_step.h"
#include "tests/testing/temp_dir.h"

namespace laptime::trainer {
namespace {

constexpr int kRanks = 2;
constexpr double kRate = 0.06;

// Does `work` in each rank, and rethrows what the first one threw.
void InRanks(int ranks, const std::function<void(RankGroup& group)>& work) {
  const testing::TempDir dir;
  std::vector<std::future<void>> done;
  done.reserve(static_cast<size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) {
    done.push_back(std::async(std::launch::async, [&, rank] {
      RankGroup group(dir.File("meeting"), rank, ranks, Device::Open("cpu"));
      work(group);
    }));
  }
  for (const auto& one : done) one.wait();
  for (auto& one : done) one.get();
}

TEST(RankGroupTest, SumsGathersAndCopies) {
  InRanks(3, [](RankGroup& group) {
    const double own = group.rank() + 1;
    const at::Tensor sum = at::full({4}, own);
    group.Sum(sum);
    EXPECT_TRUE(sum.equal(at::full({4}, 6.0)));
    const std::vector<at::Tensor> all = group.Gather(at::full({2, 1}, own));
    ASSERT_EQ(all.size(), 3u);
    for (int rank = 0; rank < 3; ++rank)
      EXPECT_TRUE(all[static_cast<size_t>(rank)].equal(at::full({2, 1}, rank + 1.0)));
    const at::Tensor copied = at::full({2}, own);
    group.CopyFromFirst({copied});
    EXPECT_TRUE(copied.equal(at::full({2}, 1.0)));
  });
}

TEST(RankGroupTest, ARankThatIsGoneIsAnError) {
  InRanks(2, [](RankGroup& group) {
    if (group.rank() == 1) return;
    const auto sum_until_told = [&group] {
      for (int i = 0; i < 3; ++i) group.Sum(at::full({1 << 20}, 1.0));
    };
    EXPECT_THROW(sum_until_told(), TrainerError);
  });
}

// The gradient of a row is what the losses of all ranks say of it.
TEST(RankGroupTest, GatheredRowsHaveTheGradientOfAllLosses) {
  InRanks(2, [](RankGroup& group) {
    const at::Tensor row = at::full({1, 3}, 1.0).set_requires_grad(true);
    (GatherRows(group, row) * (group.rank() + 1)).sum().backward();
    EXPECT_TRUE(row.grad().equal(at::full({1, 3}, 3.0)));
  });
}

class RanksTrainTest : public ::testing::TestWithParam<bool> {
 protected:
  static constexpr int kSteps = 2;
  static constexpr int64_t kImages = 4;

  RanksTrainTest() {
    at::manual_seed(1);
    workload_.gather_negatives = GetParam();
    for (int i = 0; i < kSteps * kViews; ++i)
      views_.push_back(at::randn({kImages, 3, 32, 32}, at::kDouble));
  }

  Model MakeModel() const {
    Model model(1);
    model.Visit(
        [](const std::string&, at::Tensor& tensor, bool) { tensor = tensor.to(at::kDouble); });
    model.MoveTo(device_.torch(), device_.memory_format());
    return model;
  }

  const at::Tensor& View(int step, int view) const {
    const int number = step * kViews + view;
    return views_[static_cast<size_t>(number)];
  }

  static at::Tensor Part(const at::Tensor& images, int rank) {
    const int64_t share = kImages / kRanks;
    return images.narrow(0, rank * share, share);
  }

  // One process with the whole batch; only batch norm sees each rank's part by itself, as it does
  // where the parts are on different devices.
  double WholeStep(Model& model, Sgd& sgd, int step) const {
    std::vector<std::vector<at::Tensor>> embeddings(kViews);
    for (int view = 0; view < kViews; ++view) {
      for (int rank = 0; rank < kRanks; ++rank)
        embeddings[static_cast<size_t>(view)].push_back(model.Embed(Part(View(step, view), rank)));
    }
    at::Tensor loss;
    if (workload_.gather_negatives) {
      loss = NtXentLoss(at::cat(embeddings[0]), at::cat(embeddings[1]), workload_.temperature);
    } else {
      loss = (NtXentLoss(embeddings[0][0], embeddings[1][0], workload_.temperature) +
              NtXentLoss(embeddings[0][1], embeddings[1][1], workload_.temperature)) /
             kRanks;
    }
    loss.backward();
    sgd.Step(kRate);
    return loss.item<double>();
  }

  Workload workload_;
  const Device device_ = Device::Open("cpu");
  std::vector<at::Tensor> views_;
};

TEST_P(RanksTrainTest, HaveTheLossesAndParametersOfOneWithTheWholeBatch) {
  Model whole = MakeModel();
  Sgd sgd(whole.Parameters(), workload_.momentum, workload_.weight_decay);
  std::vector<double> expected;
  for (int step = 0; step < kSteps; ++step) expected.push_back(WholeStep(whole, sgd, step));

  InRanks(kRanks, [&](RankGroup& group) {
    Model model = MakeModel();
    TrainStep train(model, workload_, device_, &group);
    LapClock clock;
    for (int step = 0; step < kSteps; ++step) {
      const at::Tensor loss =
          train.Run({{Part(View(step, 0), group.rank()), Part(View(step, 1), group.rank())}, {}},
                    kRate, clock);
      group.Sum(loss);
      EXPECT_NEAR(loss.item<double>() / kRanks, expected[static_cast<size_t>(step)], 1e-12) << step;
    }
    const std::vector<at::Tensor> want = whole.Parameters();
    const std::vector<at::Tensor> got = model.Parameters();
    for (size_t i = 0; i < want.size(); ++i)
      EXPECT_LT((got[i] - want[i]).abs().max().item<double>(), 1e-11) << i;
  });
}

INSTANTIATE_TEST_SUITE_P(Negatives, RanksTrainTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Gathered" : "OfEachRank"; });

// The program that is started is this one.
TEST(RankProcessesTest, ARankThatEndsIsALossUnlessItMay) {
  std::promise<RankEnd> told;
  RankProcesses others([&told](const RankEnd& end) { told.set_value(end); });
  others.Start({"--gtest_list_tests"});
  const RankEnd end = told.get_future().get();
  EXPECT_EQ(end.rank, 1);
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_EQ(end.how, "ended with exit code 0");
  others.AwaitLoss(std::chrono::minutes(1));
}

TEST(RankProcessesTest, AfterFinishNothingIsLost) {
  std::atomic<int> told = 0;
  {
    RankProcesses others([&told](const RankEnd&) { ++told; });
    others.Finish();
    others.Start({"--gtest_list_tests"});
  }
  EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace laptime::trainer
