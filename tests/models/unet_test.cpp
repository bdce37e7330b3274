#include "models/unet.h"

#include <gtest/gtest.h>

#include "models/network.h"
#include "sweep/error.h"

namespace reprise::models {

TEST(Unet, HasThePapersShapeAndSize) {
  Unet unet({.channels = 1, .classes = 4, .width = 64});
  int64_t count = 0;
  for (const auto& parameter : unet.parameters()) count += parameter.numel();
  EXPECT_EQ(count, 24'430'532);
  unet.eval();
  torch::NoGradGuard no_grad;
  const UnetOutput out = unet.forward(torch::rand({1, 1, 64, 32}));
  EXPECT_EQ(out.logits.sizes(), (std::vector<int64_t>{1, 4, 64, 32}));
  EXPECT_EQ(out.encoder[4].sizes(), (std::vector<int64_t>{1, 512, 2, 1}));
  EXPECT_THROW(unet.forward(torch::rand({1, 1, 48, 32})), c10::Error);
}

TEST(Unet, StatisticsOverTwoRanksEqualThoseOfTheWhole) {
  torch::manual_seed(3);
  BatchNorm whole(3), part(3);
  const torch::Tensor x = torch::randn({4, 3, 5, 6}) * 2 + 1;
  const torch::Tensor expected = whole(x, SumOverRanks());
  // The first rank's view: its sum over ranks adds what the second rank would send.
  const torch::Tensor other = x.slice(0, 3, 4);
  const SumOverRanks sum = [&](const torch::Tensor& own) {
    const torch::Tensor wide = other.to(torch::kFloat64);
    return own + torch::cat({wide.sum({0, 2, 3}), wide.square().sum({0, 2, 3}),
                             torch::full({1}, 30.0, wide.options())});
  };
  const torch::Tensor got = part(x.slice(0, 0, 3), sum);
  EXPECT_TRUE(torch::allclose(got, expected.slice(0, 0, 3), 1e-5, 1e-5));
  const auto state = state_of(*part), wanted = state_of(*whole);
  EXPECT_TRUE(torch::allclose(state.tensors.at("running_var"), wanted.tensors.at("running_var")));
}

TEST(Unet, RefusesAnImpossibleWidth) { EXPECT_THROW(Unet({.width = 6}), Error); }

}  // namespace reprise::models
