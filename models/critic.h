#pragma once
/// The critic of the WGAN-GP rows: SRGAN's discriminator (Ledig et al., 2017) without
/// normalisation, as the gradient penalty wants it.

#include <vector>

#include "models/blocks.h"

namespace reprise::models {

struct CriticOptions {
  std::int64_t channels = 1;
  std::int64_t side = 96;  ///< Of the HR patches: fixes the first linear layer. Multiple of 16.
};

/// Eight 3x3 convolutions without bias (64, 64/2, 128, 128/2, 256, 256/2, 512, 512/2; "/2" halves
/// the sides), each with leaky ReLU 0.2, then linear to 1024, leaky ReLU 0.2, linear to 1.
/// Keys `features.i.0.weight`, `classifier.{0,2}.*`.
class Critic : public nn::Module {
 public:
  /// Errors: InvalidInput for a side that is no multiple of 16.
  explicit Critic(const CriticOptions& options);
  /// [N, channels, side, side] to scores [N, 1]. Throws `c10::Error` for another size.
  torch::Tensor forward(torch::Tensor images);

 private:
  std::vector<nn::Conv2d> features_;
  nn::Linear hidden_{nullptr}, score_{nullptr};
};

}  // namespace reprise::models
