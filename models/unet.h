#pragma once
/// The segmentation U-Net of the paper (section 3.2, Fig. 2): segmentation_models_pytorch's `Unet`
/// with a ResNet-34 encoder, under its state-dict keys.

#include <array>
#include <vector>

#include "models/blocks.h"
#include "models/cross_rank.h"
#include "models/torch.h"

namespace reprise::models {

struct UnetOptions {
  std::int64_t channels = 1, classes = 4;
  /// Channels of the first encoder stage; 64 is ResNet-34. Smaller widths scale every layer.
  std::int64_t width = 64;
};

/// Batch normalisation over [N, C, H, W] whose statistics span all ranks of a gang in training
/// mode.
class BatchNormImpl : public nn::Module {
 public:
  explicit BatchNormImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& x, const SumOverRanks& sum);

 private:
  torch::Tensor forward_summed(const torch::Tensor& x, const SumOverRanks& sum);
  torch::Tensor weight_, bias_, mean_, var_, count_;
};
TORCH_MODULE(BatchNorm);

struct UnetOutput {
  std::array<torch::Tensor, 5> encoder;  ///< E1..E5: sides 1/2, 1/4, ... 1/32.
  torch::Tensor decoder;                 ///< D: the last decoder step, full size.
  torch::Tensor logits;                  ///< [N, classes, H, W].
};

class Unet : public nn::Module {
 public:
  explicit Unet(const UnetOptions& options);
  ~Unet() override;
  Unet(const Unet&) = delete;
  Unet& operator=(const Unet&) = delete;
  Unet(Unet&&) = delete;
  Unet& operator=(Unet&&) = delete;

  /// image: [N, C, H, W], sides multiples of 32. Throws `c10::Error` otherwise.
  UnetOutput forward(const torch::Tensor& image);
  /// The first `count` encoder features only.
  std::array<torch::Tensor, 5> encode(const torch::Tensor& image, int count = 5);

  /// How training-mode statistics span the gang; empty for a single rank.
  void set_sum_over_ranks(SumOverRanks sum) { sum_ = std::move(sum); }
  [[nodiscard]] const UnetOptions& options() const { return options_; }

 private:
  struct Parts;  // The layers, kept out of the header.
  UnetOptions options_;
  SumOverRanks sum_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace reprise::models
