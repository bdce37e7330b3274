#pragma once
/// The adversarial loss with gradient penalty (WGAN-GP, Gulrajani et al. 2017).

#include <memory>

#include "losses/loss.h"
#include "models/critic.h"

namespace reprise::losses {

/// The generator's side: -mean D(sr). Gradients go through the critic and not to its weights.
std::unique_ptr<Loss> make_adversarial_loss(std::shared_ptr<models::Critic> critic);

/// This rank's share of the critic's loss: mean D(fake) - mean D(real) + penalty * mean of
/// (|∇D(x)|₂ - 1)², x = mix * real + (1 - mix) * fake.
/// fake, real: [N,C,H,W] without gradient; mix: [N], uniform in [0, 1).
torch::Tensor critic_loss_share(models::Critic& critic, const torch::Tensor& fake,
                                const torch::Tensor& real, const torch::Tensor& mix, double penalty,
                                const LossContext& context);

}  // namespace reprise::losses
