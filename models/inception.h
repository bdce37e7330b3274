#pragma once
/// Features for the Fréchet inception distance: Inception-v3 as the TensorFlow graph
/// `inception-2015-12-05` computes it (the weights of pytorch-fid's file of that name).

#include <memory>

#include "models/blocks.h"

namespace reprise::models {

/// Differs from torchvision's Inception-v3 in average pools that leave out the padding, and a
/// maximum pool in the last block. Keys as in torchvision (`Conv2d_1a_3x3.conv.weight`,
/// `Mixed_5b.branch1x1.bn.running_mean` ...) without `fc` and `AuxLogits`, which are not used.
class FidInception : public nn::Module {
 public:
  FidInception();
  ~FidInception() override;
  FidInception(const FidInception&) = delete;
  FidInception& operator=(const FidInception&) = delete;
  FidInception(FidInception&&) = delete;
  FidInception& operator=(FidInception&&) = delete;

  /// images: [N, 1 or 3, H, W] in [0, 1], any size (resized to 299 x 299); one channel stands for
  /// three equal ones. Returns the last average pool, [N, 2048]. Call in evaluation mode.
  torch::Tensor forward(const torch::Tensor& images);

 private:
  struct Parts;  // The layers, kept out of the header.
  std::unique_ptr<Parts> parts_;
};

}  // namespace reprise::models
