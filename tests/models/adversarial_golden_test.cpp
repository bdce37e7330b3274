/// Parity of the VGG and the adversarial loss with the released code.

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "golden_support.h"
#include "losses/vgg_loss.h"
#include "losses/wgan.h"

namespace reprise {
namespace {

double largest(const torch::Tensor& values) { return values.abs().max().item<double>(); }

void expect_close(const torch::Tensor& ours, const torch::Tensor& theirs, double tolerance) {
  EXPECT_LE(largest(ours.to(torch::kFloat64) - theirs.to(torch::kFloat64)),
            tolerance * largest(theirs));
}

TEST(VggGolden, ValuesAndGradientsMatch) {
  const models::TensorFile file = golden::load("vgg_loss");
  const torch::Tensor hr = file.tensors.at("in.hr");
  const losses::LossContext context{.global_batch = hr.size(0), .ranks = 1, .sum = {}};
  models::Vgg19 whole(models::VggLayer::Conv54);
  // The file's keys are those of torchvision's `features`; ours stand below "features.".
  golden::fill(*whole.children().front(), file);
  for (const std::string name : {"VGG22", "VGG54"}) {
    const auto vgg = std::make_shared<models::Vgg19>(name == "VGG22" ? models::VggLayer::Conv22
                                                                     : models::VggLayer::Conv54);
    models::TensorFile state = models::state_of(*vgg);
    for (auto& [key, tensor] : state.tensors) {
      tensor = models::state_of(whole).tensors.at(key);
    }
    models::load_weights(*vgg, state, name);
    const auto loss = losses::make_vgg_loss(vgg);
    const auto sr = file.tensors.at("in.sr").clone().requires_grad_(true);
    const auto value = loss->share(sr, hr, context);
    const auto want = file.tensors.at("out.loss." + name).item<double>();
    EXPECT_NEAR(value.item<double>(), want, 1e-4 * want) << name;
    value.backward();
    expect_close(sr.grad(), file.tensors.at("out.grad_sr." + name), 5e-3);
  }
}

class WganGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(WganGolden, ACriticStepAndTheGeneratorsLossMatch) {
  const models::TensorFile file = golden::load(GetParam());
  const torch::Tensor real = file.tensors.at("in.real");
  const torch::Tensor fake = file.tensors.at("in.fake");
  const losses::LossContext context{.global_batch = real.size(0), .ranks = 1, .sum = {}};
  auto critic =
      std::make_shared<models::Critic>(models::CriticOptions{.channels = 1, .side = real.size(2)});
  golden::fill(*critic, file);
  expect_close(critic->forward(fake), file.tensors.at("out.d_fake"), 1e-4);

  const auto share =
      losses::critic_loss_share(*critic, fake, real, file.tensors.at("in.alpha"), 10, context);
  const auto want = file.tensors.at("out.loss_d").item<double>();
  EXPECT_NEAR(share.item<double>(), want, 1e-4 * std::abs(want));
  share.backward();
  double largest_norm = 0;
  for (const auto& [key, norm] : file.tensors) {
    if (key.rfind("gradnorm.d.", 0) == 0) largest_norm = std::max(largest_norm, largest(norm));
  }
  ASSERT_GT(largest_norm, 0);
  for (const auto& parameter : critic->named_parameters()) {
    const auto norm = file.tensors.at("gradnorm.d." + parameter.key()).item<double>();
    EXPECT_NEAR(parameter.value().grad().to(torch::kFloat64).norm().item<double>(), norm,
                1e-3 * norm + 1e-4 * largest_norm)
        << parameter.key();
  }

  torch::optim::Adam adam(critic->parameters(), torch::optim::AdamOptions(1e-5).betas({0, 0.9}));
  adam.step();
  const auto loss = losses::make_adversarial_loss(critic);
  const auto sr = fake.clone().requires_grad_(true);
  const auto value = loss->share(sr, real, context);
  const auto wanted = file.tensors.at("out.loss_g_after_d_step").item<double>();
  EXPECT_NEAR(value.item<double>(), wanted, 1e-3 * std::abs(wanted));
  critic->zero_grad();
  value.backward();
  expect_close(sr.grad(), file.tensors.at("out.grad_fake_after_d_step"), 1e-2);
  for (const auto& parameter : critic->parameters()) {
    EXPECT_TRUE(!parameter.grad().defined() || largest(parameter.grad()) == 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, WganGolden, ::testing::Values("wgan_small", "wgan_full"));

}  // namespace
}  // namespace reprise
