#include "losses/vgg_loss.h"

#include "losses/distance.h"

namespace reprise::losses {
namespace {

class VggLoss : public Loss {
 public:
  explicit VggLoss(std::shared_ptr<models::Vgg19> vgg) : vgg_(std::move(vgg)) {
    vgg_->eval();
    for (auto& parameter : vgg_->parameters()) parameter.set_requires_grad(false);
  }

  torch::Tensor share(const torch::Tensor& sr, const torch::Tensor& hr,
                      const LossContext& context) override {
    const auto samples = sr.size(0);
    const auto channels = sr.size(1);
    if (channels == 1 || channels == 3) return share_of(sr, hr, samples, context);
    // Every channel is an image of its own; the mean over them times their number is the sum.
    const auto apart = [&](const torch::Tensor& image) {
      return image.reshape({samples * channels, 1, image.size(2), image.size(3)});
    };
    return share_of(apart(sr), apart(hr), samples, context) * channels;
  }

 private:
  torch::Tensor share_of(const torch::Tensor& sr, const torch::Tensor& hr, std::int64_t samples,
                         const LossContext& context) {
    const auto of_sr = vgg_->forward(sr);
    const torch::NoGradGuard no_grad;
    const auto of_hr = vgg_->forward(hr);
    const torch::AutoGradMode with_grad(true);
    return distance_share(Distance::MeanSquare, of_sr, of_hr, samples, context);
  }

  std::shared_ptr<models::Vgg19> vgg_;
};

}  // namespace

std::unique_ptr<Loss> make_vgg_loss(std::shared_ptr<models::Vgg19> vgg) {
  return std::make_unique<VggLoss>(std::move(vgg));
}

}  // namespace reprise::losses
