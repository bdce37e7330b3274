#include "losses/loss.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "losses/dice.h"
#include "sweep/error.h"

namespace reprise::losses {
namespace {

boost::json::array term(const std::string& name, double weight) {
  return {{{"name", name}, {"weight", weight}}};
}

}  // namespace

TEST(Loss, L1SharesAddUpToTheWhole) {
  torch::manual_seed(1);
  const torch::Tensor sr = torch::rand({5, 1, 4, 4}), hr = torch::rand({5, 1, 4, 4});
  const auto loss = make_loss(term("l1", 2.0), {});
  const LossContext gang{.global_batch = 5, .ranks = 2, .sum = {}};
  const torch::Tensor shares = loss->share(sr.slice(0, 0, 3), hr.slice(0, 0, 3), gang) +
                               loss->share(sr.slice(0, 3, 5), hr.slice(0, 3, 5), gang);
  EXPECT_NEAR(shares.item<double>(), 2.0 * (sr - hr).abs().mean().item<double>(), 1e-6);
}

TEST(Loss, ASegmentationTermFreezesTheSegmenterAndReachesTheImage) {
  auto unet = std::make_shared<models::Unet>(models::UnetOptions{.width = 8});
  for (const std::string name : {"e1", "sum_e", "d", "hrl"}) {
    const auto loss = make_loss(term(name, 1.0), {.segmenter = unet, .vgg = {}, .critic = {}});
    const torch::Tensor sr = torch::rand({2, 1, 32, 32}, torch::requires_grad());
    loss->share(sr, torch::rand({2, 1, 32, 32}), {.global_batch = 2, .ranks = 1, .sum = {}})
        .backward();
    EXPECT_GT(sr.grad().abs().sum().item<double>(), 0) << name;
  }
  EXPECT_FALSE(unet->is_training());
  for (const auto& parameter : unet->parameters()) EXPECT_FALSE(parameter.grad().defined());
}

/// Table 10: the U-Net of a data set of one channel drives the loss on one of four, and the
/// reverse.
TEST(Loss, AForeignUnetSeesEveryChannelOrTheOneRepeated) {
  torch::manual_seed(2);
  const LossContext two{.global_batch = 2, .ranks = 1, .sum = {}};
  const LossContext eight{.global_batch = 8, .ranks = 1, .sum = {}};
  const auto one = std::make_shared<models::Unet>(models::UnetOptions{.channels = 1, .width = 8});
  const auto four = std::make_shared<models::Unet>(models::UnetOptions{.channels = 4, .width = 8});
  const torch::Tensor sr1 = torch::rand({2, 1, 32, 32}), hr1 = torch::rand({2, 1, 32, 32});
  const torch::Tensor sr4 = torch::rand({2, 4, 32, 32}), hr4 = torch::rand({2, 4, 32, 32});
  const auto apart = [](const torch::Tensor& x) { return x.reshape({8, 1, 32, 32}); };
  const auto repeated = [](const torch::Tensor& x) { return x.repeat({1, 4, 1, 1}); };
  for (const std::string name : {"e1", "e4", "sum_e", "d", "hrl"}) {
    SCOPED_TRACE(name);
    const auto by_one = make_loss(term(name, 1.0), {.segmenter = one, .vgg = {}, .critic = {}});
    const auto by_four = make_loss(term(name, 1.0), {.segmenter = four, .vgg = {}, .critic = {}});
    const torch::Tensor sr = sr4.clone().requires_grad_(true);
    const torch::Tensor value = by_one->share(sr, hr4, two);
    EXPECT_NEAR(value.item<double>(), by_one->share(apart(sr4), apart(hr4), eight).item<double>(),
                1e-5);
    EXPECT_NEAR(by_four->share(sr1, hr1, two).item<double>(),
                by_four->share(repeated(sr1), repeated(hr1), two).item<double>(), 1e-5);
    EXPECT_THROW(
        (void)by_four->share(torch::rand({2, 3, 32, 32}), torch::rand({2, 3, 32, 32}), two), Error);
    if (name == "hrl") continue;  // Random labels may be all background, which has no gradient.
    value.backward();
    for (std::int64_t channel = 0; channel < 4; ++channel) {
      EXPECT_GT(sr.grad().select(1, channel).abs().sum().item<double>(), 0) << channel;
    }
  }
}

TEST(Loss, RefusesUnknownNamesAndAMissingSegmenter) {
  EXPECT_THROW((void)make_loss(term("e1", 1.0), {}), Error);
  EXPECT_THROW((void)make_loss(term("l3", 1.0), {}), Error);
  EXPECT_THROW((void)make_loss({}, {}), Error);
}

TEST(Dice, IsZeroForAPerfectAnswerAndIgnoresAbsentClasses) {
  const torch::Tensor labels = torch::tensor({{{0, 1}, {1, 0}}});
  const torch::Tensor logits =
      torch::one_hot(labels, 3).permute({0, 3, 1, 2}).to(torch::kFloat) * 50;
  EXPECT_NEAR(dice_loss(logits, labels, {}, {}).item<double>(), 0, 1e-6);
  EXPECT_NEAR(dice_loss(-logits, labels, {2}, {}).item<double>(), 0, 1e-6);
}

}  // namespace reprise::losses
