#pragma once
/// Features of VGG-19 (Simonyan and Zisserman, 2015) for the perceptual losses VGG22 and VGG54.

#include <vector>

#include "models/blocks.h"

namespace reprise::models {

/// Where features are taken: at the second convolution of the second stage (128 channels, half the
/// size) or the fourth of the fifth (512 channels, a sixteenth), before their ReLU.
enum class VggLayer { Conv22, Conv54 };

/// torchvision's `vgg19().features` up to a layer, under its keys `features.i.{weight,bias}`.
class Vgg19 : public nn::Module {
 public:
  explicit Vgg19(VggLayer layer);
  /// images: [N, 1 or 3, H, W] in [0, 1]; one channel stands for three equal ones. ImageNet's mean
  /// and deviation are taken out first. Throws `c10::Error` for other channels.
  torch::Tensor forward(const torch::Tensor& images);

 private:
  std::vector<nn::Conv2d> layers_;
  torch::Tensor mean_, deviation_;  ///< [1, 3, 1, 1], where the last images were.
};

}  // namespace reprise::models
