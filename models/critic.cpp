#include "models/critic.h"

#include <array>

#include "sweep/error.h"

namespace reprise::models {
namespace {

constexpr double kSlope = 0.2;
constexpr std::int64_t kHidden = 1024;

}  // namespace

Critic::Critic(const CriticOptions& options) {
  constexpr std::array<std::int64_t, 8> kWidths = {64, 64, 128, 128, 256, 256, 512, 512};
  if (options.side < 16 || options.side % 16 != 0) {
    throw_invalid("critic: patches of " + std::to_string(options.side) +
                  " HR pixels a side: must be a multiple of 16");
  }
  const auto features = register_module("features", std::make_shared<Group>());
  std::int64_t in = options.channels;
  for (std::size_t i = 0; i < kWidths.size(); ++i) {
    const std::int64_t stride = i % 2 == 0 ? 1 : 2;
    features_.push_back(
        features->add(std::to_string(i), std::make_shared<Group>())
            ->add("0",
                  nn::Conv2d(
                      nn::Conv2dOptions(in, kWidths[i], 3).stride(stride).padding(1).bias(false))));
    in = kWidths[i];
  }
  const std::int64_t side = options.side / 16;
  const auto classifier = register_module("classifier", std::make_shared<Group>());
  hidden_ = classifier->add("0", nn::Linear(in * side * side, kHidden));
  score_ = classifier->add("2", nn::Linear(kHidden, 1));
}

torch::Tensor Critic::forward(torch::Tensor images) {
  for (nn::Conv2d& layer : features_) images = torch::leaky_relu(layer(images), kSlope);
  return score_(torch::leaky_relu(hidden_(images.flatten(1)), kSlope));
}

}  // namespace reprise::models
