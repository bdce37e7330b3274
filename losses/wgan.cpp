#include "losses/wgan.h"

namespace reprise::losses {
namespace {

class AdversarialLoss : public Loss {
 public:
  explicit AdversarialLoss(std::shared_ptr<models::Critic> critic) : critic_(std::move(critic)) {}

  torch::Tensor share(const torch::Tensor& sr, const torch::Tensor& /*hr*/,
                      const LossContext& context) override {
    set_frozen(true);
    const auto scores = critic_->forward(sr);
    set_frozen(false);
    return -scores.to(torch::kFloat32).sum() / context.global_batch;
  }

 private:
  void set_frozen(bool frozen) {
    for (auto& parameter : critic_->parameters()) parameter.set_requires_grad(!frozen);
  }

  std::shared_ptr<models::Critic> critic_;
};

}  // namespace

std::unique_ptr<Loss> make_adversarial_loss(std::shared_ptr<models::Critic> critic) {
  return std::make_unique<AdversarialLoss>(std::move(critic));
}

torch::Tensor critic_loss_share(models::Critic& critic, const torch::Tensor& fake,
                                const torch::Tensor& real, const torch::Tensor& mix, double penalty,
                                const LossContext& context) {
  const auto alpha = mix.view({-1, 1, 1, 1});
  const auto between = (alpha * real + (1 - alpha) * fake).detach().requires_grad_(true);
  const auto gradient =
      torch::autograd::grad({critic.forward(between).sum()}, {between}, /*grad_outputs=*/{},
                            /*retain_graph=*/true, /*create_graph=*/true)[0];
  const auto slopes = gradient.flatten(1).norm(2, 1);
  const auto total = critic.forward(fake).sum() - critic.forward(real).sum() +
                     penalty * (slopes - 1).square().sum();
  return total / context.global_batch;
}

}  // namespace reprise::losses
