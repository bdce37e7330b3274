#include "worker/initialise.h"

#include "models/layers.h"

namespace reprise::worker {

void initialise_linear_layers(torch::nn::Module& network) {
  const torch::NoGradGuard no_grad;
  for (const auto& module : network.modules()) {
    if (auto* linear = module->as<torch::nn::LinearImpl>()) linear->reset_parameters();
  }
}

}  // namespace reprise::worker
