#include "models/attention.h"

#include "sweep/error.h"

namespace reprise::models {

void check_reduction(std::int64_t width, std::int64_t reduction) {
  if (reduction < 1 || width % reduction != 0) {
    throw_invalid("network: width " + std::to_string(width) + " is not a multiple of reduction " +
                  std::to_string(reduction));
  }
}

ChannelAttentionImpl::ChannelAttentionImpl(std::int64_t width, std::int64_t reduction) {
  const auto layers = register_module("conv_du", std::make_shared<Group>());
  down_ = layers->add("0", conv(width, width / reduction, 1));
  up_ = layers->add("2", conv(width / reduction, width, 1));
}

torch::Tensor ChannelAttentionImpl::forward(const torch::Tensor& x) {
  const torch::Tensor pooled = torch::adaptive_avg_pool2d(x, {1, 1});
  return x * torch::sigmoid(up_(torch::relu(down_(pooled))));
}

}  // namespace reprise::models
