/// What only a GPU can show. Skipped where there is none.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "models/torch.h"
#include "models/unet.h"
#include "tests/worker/mpi_main.h"
#include "tests/worker/training_cases.h"
#include "worker/cuda_graph.h"
#include "worker/gang_error.h"
#include "worker/noise.h"
#include "worker/precision.h"

namespace reprise::worker {
namespace {

const torch::Device kGpu(torch::kCUDA, 0);

class Cuda : public testing::Test {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU is visible";
    set_arithmetic(Precision::Fp32);
  }
};

double error(const torch::Tensor& got, const torch::Tensor& want) {
  const auto exact = want.to(torch::kCPU, torch::kFloat64);
  return ((got.to(torch::kCPU, torch::kFloat64) - exact).norm() / exact.norm()).item<double>();
}

std::shared_ptr<models::SrNetwork> fresh(const std::string& config) {
  torch::manual_seed(11);
  return models::make_network(boost::json::parse(config).as_object(), 1, 4);
}

/// Output and the gradients of all parameters, one after another.
std::pair<torch::Tensor, torch::Tensor> passed(models::SrNetwork& network, const torch::Tensor& x) {
  const auto out = network.forward(x);
  // Neither sum nor mean: their gradient is the same everywhere and cancels in differences.
  torch::manual_seed(13);
  const auto weights = torch::rand(out.sizes(), torch::kFloat64).to(out.options());
  (out * weights).sum().backward();
  std::vector<torch::Tensor> gradients;
  for (const auto& parameter : network.parameters()) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad().flatten());
  }
  return {out.detach(), torch::cat(gradients)};
}

class CudaNetwork : public Cuda, public testing::WithParamInterface<const char*> {};

TEST_P(CudaNetwork, IsTheFunctionThatTheCpuComputesInFloat64) {
  torch::manual_seed(12);
  const auto x = torch::rand({2, 1, 24, 16});
  const auto exact = fresh(GetParam());
  for (auto& parameter : exact->parameters()) parameter.set_data(parameter.to(torch::kFloat64));
  for (auto& buffer : exact->buffers()) {
    if (buffer.is_floating_point()) buffer.set_data(buffer.to(torch::kFloat64));
  }
  exact->set_path(models::SwinPath::Reference);
  const auto [want, want_gradient] = passed(*exact, x.to(torch::kFloat64));
  const auto network = fresh(GetParam());
  network->to(kGpu);
  const auto [got, gradient] = passed(*network, x.to(kGpu));
  EXPECT_LT(error(got, want), 1e-5);
  EXPECT_LT(error(gradient, want_gradient), 1e-4);
  const torch::NoGradGuard no_grad;
  EXPECT_LT(error(network->forward(x.to(kGpu)), want), 1e-5) << "without gradients";
}

INSTANTIATE_TEST_SUITE_P(Networks, CudaNetwork,
                         testing::Values(R"({"name":"rdst-e"})",  // Heads of 10, 15 and 20.
                                         R"({"name":"rdst-e","window":4})",
                                         R"({"name":"swinir-lite","shift":true})",
                                         R"({"name":"swinir","blocks":2})",  // Heads of 30.
                                         R"({"name":"edsr-lite"})", R"({"name":"rdn","blocks":4})",
                                         R"({"name":"convnet-lite"})"));

TEST_F(Cuda, NoiseIsTheSameAsOnTheCpu) {
  const auto here = noise_on_device(5, 7, 3, {4, 1, 24, 24}, torch::kCPU);
  const auto there = noise_on_device(5, 7, 3, {4, 1, 24, 24}, kGpu);
  EXPECT_LT(error(there, here), 1e-6);
}

TEST_F(Cuda, BatchesAreTheSameAsOnTheCpu) {
  const auto slices = toy_slices();
  SliceTensors resident = slices;
  resident.images = slices.images.to(kGpu);
  resident.labels = slices.labels.to(kGpu);
  const BatchRecipe recipe{.batch = 5,
                           .hr_patch = 64,
                           .scale = 4,
                           .noise = 0.1,
                           .seed = 2,
                           .flips = true,
                           .rotations = true};
  const BatchMaker here(slices, recipe, 0, 1, torch::kCPU);
  const BatchMaker moved(slices, recipe, 0, 1, kGpu);
  const BatchMaker there(resident, recipe, 0, 1, kGpu);
  for (std::int64_t step = 0; step < 3; ++step) {
    const Batch want = here.make(step);
    for (const BatchMaker* maker : {&moved, &there}) {
      const Batch got = maker->make(step);
      EXPECT_TRUE(torch::equal(got.hr.cpu(), want.hr));
      EXPECT_TRUE(torch::equal(got.labels.cpu(), want.labels));
      EXPECT_LT(error(got.lr, want.lr), 1e-6);
    }
  }
}

TEST_F(Cuda, AGraphedFunctionIsTheFunction) {
  const auto network = fresh(R"({"name":"rdst-e"})");
  network->to(kGpu);
  network->eval();
  const auto forward = graphed([&](const torch::Tensor& x) { return network->forward(x); });
  const torch::NoGradGuard no_grad;
  for (int turn = 0; turn < 5; ++turn) {
    for (const std::int64_t side : {16, 24}) {
      const auto x = torch::rand({1, 1, side, 16}, kGpu);
      const auto got = forward(x);
      const auto again = forward(torch::rand_like(x));  // Must not overwrite what was given out.
      EXPECT_TRUE(torch::equal(got, network->forward(x))) << turn << " " << side;
    }
  }
}

/// Trains in a fresh folder, stopped after `stops` steps each time; the network's state.
models::TensorFile trained(const Case& which, bool graphs, const std::vector<std::int64_t>& stops,
                           std::vector<CurvePoint>* curve = nullptr,
                           std::vector<std::string>* warnings = nullptr) {
  const auto collective = make_collective(test_mpi(), kGpu);
  const CheckpointStore store(record_folder() / ("cuda-" + which.name));
  store.clear();
  models::TensorFile result;
  for (std::size_t attempt = 0; attempt <= stops.size(); ++attempt) {
    auto [objective, batches] = make_setup(which, *collective, kGpu);
    // Seen at a look only, every 16 steps: where the checkpoint is, not which step it is, matters.
    bool stop = false;
    StageHooks hooks;
    hooks.stop_requested = [&] { return stop; };
    hooks.progress = [&](const Progress& progress) {
      stop = attempt < stops.size() && progress.done >= stops[attempt];
    };
    TrainSettings settings{
        .steps = 40, .learning_rate = 1e-3, .milestones = {20}, .seed = 9, .checkpoint_every = 7};
    settings.cuda_graphs = graphs;
    const auto outcome = train(objective, batches, settings, store, *collective, hooks);
    EXPECT_EQ(outcome.finished, attempt == stops.size());
    result = models::state_of(*objective.network);
    for (auto& [key, value] : result.tensors) value = value.cpu().clone();
    if (curve != nullptr) *curve = outcome.curve;
    if (warnings != nullptr) *warnings = outcome.warnings;
  }
  store.clear();
  return result;
}

class CudaStep : public Cuda, public testing::WithParamInterface<Case> {};

TEST_P(CudaStep, AGraphChangesNothing) {
  std::vector<CurvePoint> with, without;
  std::vector<std::string> warnings;
  const auto graphed = trained(GetParam(), true, {}, &with, &warnings);
  EXPECT_TRUE(warnings.empty()) << warnings.front();
  const auto plain = trained(GetParam(), false, {}, &without);
  for (const auto& [key, expected] : plain.tensors) {
    EXPECT_TRUE(torch::equal(graphed.tensors.at(key), expected)) << key;
  }
  ASSERT_EQ(with.size(), without.size());
  for (std::size_t at = 0; at < with.size(); ++at) {
    EXPECT_EQ(with[at].step, without[at].step);
    EXPECT_EQ(with[at].loss, without[at].loss) << at;
  }
}

TEST_P(CudaStep, ResumesBitForBit) {
  const auto straight = trained(GetParam(), true, {});
  const auto resumed = trained(GetParam(), true, {5, 25});
  for (const auto& [key, expected] : straight.tensors) {
    EXPECT_TRUE(torch::equal(resumed.tensors.at(key), expected)) << key;
  }
}

INSTANTIATE_TEST_SUITE_P(Losses, CudaStep, testing::ValuesIn(training_cases()),
                         [](const auto& test) { return test.param.name; });

TEST_F(Cuda, DivergenceIsTracedToItsStepAndChangesNoWeight) {
  const auto collective = make_collective(test_mpi(), kGpu);
  auto [objective, batches] = make_setup(training_cases().front(), *collective, kGpu);
  std::int64_t calls = 0;
  torch::Tensor before;
  const auto plain = objective.loss_share;
  const auto network = objective.network;
  objective.is_static = false;
  objective.loss_share = [&](const torch::Tensor& output, const Batch& batch) {
    const auto loss = plain(output, batch);
    if (calls++ != 4) return loss;
    before = network->parameters().front().detach().clone();
    return loss * std::numeric_limits<float>::quiet_NaN();
  };
  TrainSettings settings;
  settings.steps = 12;
  settings.learning_rate = 1e-3;
  const CheckpointStore store(record_folder() / "cuda-divergence");
  store.clear();
  try {
    train(objective, batches, settings, store, *collective, {});
    FAIL() << "it was not found";
  } catch (const GangError& error) {
    EXPECT_NE(std::string(error.what()).find("at step 4 "), std::string::npos) << error.what();
  }
  EXPECT_TRUE(torch::equal(network->parameters().front(), before));
}

TEST_F(Cuda, OneRankOfNcclSumsAndBroadcasts) {
  const auto collective = make_collective(test_mpi(), kGpu);
  auto values = torch::arange(6, torch::TensorOptions(torch::kFloat32).device(kGpu));
  collective->all_reduce_sum(values);
  collective->broadcast(values, 0);
  EXPECT_TRUE(torch::equal(values.cpu(), torch::arange(6, torch::kFloat32)));
}

}  // namespace
}  // namespace reprise::worker
