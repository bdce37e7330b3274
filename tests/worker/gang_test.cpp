/// Run by mpirun with one rank, which writes down what it computes, and then with two, which must
/// compute the same for the same global batch: losses and gradients do not depend on the gang.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/read_split.h"
#include "tests/worker/mpi_main.h"
#include "tests/worker/toy_dataset.h"
#include "tests/worker/training_cases.h"
#include "worker/gang_error.h"
#include "worker/overlapped_sum.h"
#include "worker/residency.h"

namespace reprise::worker {
namespace {

namespace fs = std::filesystem;

TEST(Gang, SumOverRanksSumsForwardAndBackward) {
  const auto collective = make_collective(test_mpi(), torch::kCPU);
  const auto sum = sum_over_ranks(*collective);
  const double mine = collective->rank() + 1;
  const auto x = torch::full({3}, mine, torch::requires_grad());
  const auto y = sum(x);
  const float expected = collective->size() == 1 ? 1 : 3;
  EXPECT_EQ(y[0].item<float>(), expected);
  (y * mine).sum().backward();
  EXPECT_EQ(x.grad()[0].item<float>(), expected);
}

/// A network of which autograd computes gradients in another order than that of its parameters, and
/// of one, `unused`, none.
struct Crossed {
  torch::Tensor late = torch::full({3}, 0.5F, torch::requires_grad());
  torch::Tensor unused = torch::ones({2}, torch::requires_grad());
  torch::Tensor early = torch::full({3, 3}, 0.25F, torch::requires_grad());
  torch::Tensor wide = torch::full({3, 40}, 0.125F, torch::requires_grad());
  [[nodiscard]] torch::Tensor loss(const torch::Tensor& x) const {
    return (torch::tanh(x * late).matmul(early).matmul(wide) + late.sum()).pow(2).mean();
  }
};

/// gradients() after each of three steps of two passes, the second pass of a step with sums that
/// overlap it, or all with one all-reduce at the end.
std::vector<torch::Tensor> sums_of_crossed(std::int64_t bucket) {
  const auto collective = make_collective(test_mpi(), torch::kCPU);
  const Crossed net;
  FlatAdam adam({net.late, net.unused, net.early, net.wide}, {});
  std::optional<OverlappedSum> overlapped;
  if (bucket > 0) overlapped.emplace(adam, *collective, bucket);
  std::vector<torch::Tensor> sums;
  torch::manual_seed(11 + collective->rank());
  for (int step = 0; step < 3; ++step) {
    adam.zero_grad();
    net.loss(torch::randn({5, 3})).backward();
    if (overlapped) overlapped->begin();
    // The last step leaves out what the steps before had.
    if (step < 2) net.loss(torch::randn({5, 3})).backward();
    if (!overlapped) adam.gather_gradients();
    adam.gradients()[0].fill_(collective->rank() + step);
    if (overlapped) {
      overlapped->finish();
    } else {
      collective->all_reduce_sum(adam.gradients());
    }
    sums.push_back(adam.gradients().clone());
  }
  // Nothing is left behind that takes gradients away.
  overlapped.reset();
  net.loss(torch::randn({5, 3})).backward();
  EXPECT_TRUE(net.wide.grad().defined());
  return sums;
}

TEST(Gang, SumsThatOverlapTheBackwardPassAreThoseOfOneAllReduce) {
  const auto expected = sums_of_crossed(0);
  EXPECT_GT(expected[0].norm().item<float>(), 0);
  for (const std::int64_t bucket : {1, 10, 1 << 20}) {
    const auto got = sums_of_crossed(bucket);
    for (std::size_t step = 0; step < got.size(); ++step) {
      // Two numbers have one sum; three have one for each order.
      const double tolerance = test_mpi().size() > 2 ? 1e-6 : 0;
      EXPECT_LE((got[step] - expected[step]).abs().max().item<double>(), tolerance)
          << "bucket " << bucket << ", step " << step;
    }
  }
}

TEST(Gang, ASumThatOverlapsEndsWithTheSameBitsOnEveryRankAndInEveryLife) {
  const auto collective = make_collective(test_mpi(), torch::kCPU);
  const auto mine = sums_of_crossed(10);
  for (const auto& sum : mine) {
    auto first = sum.clone();
    collective->broadcast(first, 0);
    EXPECT_TRUE(torch::equal(first, sum));
  }
  const auto again = sums_of_crossed(10);
  for (std::size_t step = 0; step < mine.size(); ++step) {
    EXPECT_TRUE(torch::equal(again[step], mine[step]));
  }
}

/// A data set that rank 0 writes for all.
struct SharedToy {
  fs::path path = record_folder() / ("toy-of-" + std::to_string(test_mpi().size()) + ".h5");
  std::string digest;
  explicit SharedToy(const Collective& collective) {
    if (collective.rank() == 0) digest = datasets::write_dataset(path, toy_dataset());
    digest = collective.broadcast_text(digest, 0);
  }
};

TEST(Gang, ANodeHoldsOneCopyOfADataSet) {
  const auto collective = make_collective(test_mpi(), torch::kCPU);
  const SharedToy toy(*collective);
  SliceCache cache(torch::kCPU, {.device = 0, .host = std::size_t{1} << 30U});
  const ResidentSplit& split = cache.load(toy.path, toy.digest, "train", true, *collective);
  EXPECT_EQ(split.where, collective->size() == 1 ? "memory" : "node");
  const auto expected = datasets::testing::read_split(toy.path, "train");
  const auto* pixels = split.tensors.images.const_data_ptr<float>();
  EXPECT_TRUE(std::equal(expected.images.begin(), expected.images.end(), pixels));
  // What one rank writes, the other reads: they look at the same memory.
  collective->barrier();
  if (collective->rank() == collective->size() - 1) split.tensors.images[1][0][2][3] = 7;
  collective->barrier();
  EXPECT_EQ((split.tensors.images[1][0][2][3].item<float>()), 7);
}

TEST(Gang, ADamagedDataSetFailsOnAllRanksAndTheGangGoesOn) {
  const auto collective = make_collective(test_mpi(), torch::kCPU);
  const SharedToy toy(*collective);
  SliceCache cache(torch::kCPU, {.device = 0, .host = std::size_t{1} << 30U});
  if (collective->rank() == 0) damage(toy.path);
  collective->barrier();
  try {
    (void)cache.load(toy.path, toy.digest, "train", true, *collective);
    FAIL() << "damage was not found";
  } catch (const GangError& error) {
    EXPECT_EQ(error.code(), ErrorCode::Corrupt) << error.what();
  }
  const SharedToy whole(*collective);
  EXPECT_EQ(cache.load(whole.path, whole.digest, "train", true, *collective).frame.count,
            kToyTrain);
}

/// Batches of this rank's share, of slices that are kept as `limits` say.
std::vector<Batch> batches_with(const DataLimits& limits, const SharedToy& toy,
                                Collective& collective) {
  SliceCache cache(torch::kCPU, limits);
  const ResidentSplit& split = cache.load(toy.path, toy.digest, "train", true, collective);
  const BatchMaker maker(split.tensors,
                         {.batch = 5, .hr_patch = 16, .scale = 4, .noise = 0.1, .seed = 2},
                         collective.rank(), collective.size(), torch::kCPU);
  std::vector<Batch> made;
  for (std::int64_t step = 0; step < 3; ++step) made.push_back(maker.make(step));
  return made;
}

TEST(Gang, BatchesAreEqualWhereverTheSlicesAre) {
  const auto collective = make_collective(test_mpi(), torch::kCPU);
  const SharedToy toy(*collective);
  const auto resident = batches_with({.device = 0, .host = 1 << 30U}, toy, *collective);
  const auto streamed = batches_with({.device = 0, .host = 1}, toy, *collective);
  for (std::size_t step = 0; step < resident.size(); ++step) {
    EXPECT_TRUE(torch::equal(resident[step].hr, streamed[step].hr));
    EXPECT_TRUE(torch::equal(resident[step].lr, streamed[step].lr));
    EXPECT_TRUE(torch::equal(resident[step].labels, streamed[step].labels));
  }
}

/// Adds the sum over ranks of a share ("<name>", [1]) and its gradient ("<name>.gradient").
void record(FlatAdam& adam, const torch::Tensor& share, const std::string& name,
            Collective& collective, models::TensorFile& result) {
  const torch::NoGradGuard no_grad;
  adam.gather_gradients();
  adam.gradients()[0].copy_(share.detach());
  collective.all_reduce_sum(adam.gradients());
  result.tensors[name] = adam.gradients().narrow(0, 0, 1).clone();
  result.tensors[name + ".gradient"] =
      adam.gradients().narrow(0, FlatAdam::kExtra, adam.weights().numel()).clone();
}

/// Losses of the global batch of one step and their gradients: of the network, and of its critic.
models::TensorFile step_of(const Case& which) {
  const auto collective = make_collective(test_mpi(), torch::kCPU);
  auto [objective, batches] = make_setup(which, *collective);
  FlatAdam adam(objective.network->parameters(), objective.adam);
  objective.network->train();
  const auto batch = batches.make(0);
  const auto output = objective.output(batch);
  models::TensorFile result;
  if (objective.critic) {
    FlatAdam critic(objective.critic->network->parameters(), objective.critic->adam);
    const auto share = objective.critic->loss_share(output.detach(), batch, 0);
    share.backward();
    record(critic, share, "critic", *collective, result);
  }
  const auto share = objective.loss_share(output, batch);
  share.backward();
  record(adam, share, "loss", *collective, result);
  return result;
}

class Step : public testing::TestWithParam<Case> {};

TEST_P(Step, IsTheSameForEveryGangSize) {
  const Case& which = GetParam();
  const fs::path record = record_folder() / ("step-" + which.name + ".safetensors");
  const auto mine = step_of(which);
  for (const auto& [name, tensor] : mine.tensors) {
    ASSERT_TRUE(tensor.isfinite().all().item<bool>()) << name;
    ASSERT_GT(tensor.norm().item<float>(), 0) << name;
  }
  if (test_mpi().size() == 1) {
    models::write_safetensors(record, mine);
    return;
  }
  const auto alone = models::read_safetensors(record);
  ASSERT_EQ(alone.tensors.size(), mine.tensors.size());
  for (const auto& [name, expected] : alone.tensors) {
    const double tolerance = expected.numel() == 1 ? 1e-5 : 1e-3;
    EXPECT_LT(((mine.tensors.at(name) - expected).norm() / expected.norm()).item<double>(),
              tolerance)
        << name;
  }
}

/// Trains five steps in a folder, stopped after `stops` steps each time.
models::TensorFile trained(const Case& which, const std::string& folder,
                           const std::vector<std::int64_t>& stops) {
  const auto collective = make_collective(test_mpi(), torch::kCPU);
  const CheckpointStore store(record_folder() / folder);
  if (collective->rank() == 0) store.clear();
  models::TensorFile result;
  for (std::size_t attempt = 0; attempt <= stops.size(); ++attempt) {
    auto [objective, batches] = make_setup(which, *collective);
    const auto stop_at = attempt < stops.size() ? stops[attempt] : 1000;
    std::int64_t done = attempt == 0 ? 0 : stops[attempt - 1];
    StageHooks hooks;
    hooks.stop_requested = [&] { return ++done >= stop_at; };
    const TrainSettings settings{
        .steps = 5, .learning_rate = 1e-3, .milestones = {2}, .seed = 9, .checkpoint_every = 100};
    const auto outcome = train(objective, batches, settings, store, *collective, hooks);
    EXPECT_EQ(outcome.finished, attempt == stops.size());
    EXPECT_EQ(outcome.resumed_from, attempt == 0 ? 0 : stops[attempt - 1]);
    result = models::state_of(*objective.network);
    if (!objective.critic) continue;
    for (const auto& [key, value] : models::state_of(*objective.critic->network).tensors) {
      result.tensors["critic." + key] = value;
    }
  }
  return result;
}

TEST_P(Step, ResumesBitForBit) {
  const Case& which = GetParam();
  const auto straight = trained(which, "straight-" + which.name, {});
  const auto resumed = trained(which, "resumed-" + which.name, {2, 3});  // Interrupted twice.
  for (const auto& [key, expected] : straight.tensors) {
    EXPECT_TRUE(torch::equal(resumed.tensors.at(key), expected)) << key;
  }
}

INSTANTIATE_TEST_SUITE_P(Losses, Step, testing::ValuesIn(training_cases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace reprise::worker

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  reprise::worker::test_mpi();
  return RUN_ALL_TESTS();
}
