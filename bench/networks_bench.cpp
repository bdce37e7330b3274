/// RDST-E on the CPU: a training step and inference, at the paper's sizes (section 4.3).
#include <benchmark/benchmark.h>

#include <boost/json/object.hpp>

#include "models/network.h"
#include "models/torch.h"
#include "worker/flat_adam.h"

namespace reprise {
namespace {

std::shared_ptr<models::SrNetwork> rdst_e() {
  torch::manual_seed(1);
  return models::make_network({{"name", "rdst-e"}}, 1, 4);
}

/// Argument: batch. Patches of 24 x 24, L1, one thread.
void rdst_e_training_step(benchmark::State& state) {
  torch::set_num_threads(1);
  const auto network = rdst_e();
  worker::FlatAdam adam(network->parameters(), {});
  const auto lr = torch::rand({state.range(0), 1, 24, 24});
  const auto hr = torch::rand({state.range(0), 1, 96, 96});
  for (auto _ : state) {
    adam.zero_grad();
    torch::l1_loss(network->forward(lr), hr).backward();
    adam.gather_gradients();
    adam.step(1e-4);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(rdst_e_training_step)->Arg(4)->Unit(benchmark::kMillisecond);

/// Argument: slices at once, 40 x 32 pixels each, one thread.
void rdst_e_inference(benchmark::State& state) {
  torch::set_num_threads(1);
  const auto network = rdst_e();
  network->eval();
  const torch::InferenceMode guard;
  const auto lr = torch::rand({state.range(0), 1, 40, 32});
  for (auto _ : state) benchmark::DoNotOptimize(network->forward(lr));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(rdst_e_inference)->Arg(1)->Arg(8)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace reprise
