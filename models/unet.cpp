#include "models/unet.h"

#include "sweep/error.h"

namespace reprise::models {
namespace {

constexpr double kEpsilon = 1e-5;
constexpr double kMomentum = 0.1;

nn::Conv2d plain_conv(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
  return nn::Conv2d(
      nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

/// ResNet's basic block: two 3x3 convolutions and a shortcut.
class BasicBlock : public nn::Module {
 public:
  BasicBlock(std::int64_t in, std::int64_t out, std::int64_t stride) {
    conv1_ = register_module("conv1", plain_conv(in, out, 3, stride));
    bn1_ = register_module("bn1", BatchNorm(out));
    conv2_ = register_module("conv2", plain_conv(out, out, 3, 1));
    bn2_ = register_module("bn2", BatchNorm(out));
    if (stride == 1 && in == out) return;
    const auto shortcut = register_module("downsample", std::make_shared<Group>());
    shortcut_conv_ = shortcut->add("0", plain_conv(in, out, 1, stride));
    shortcut_bn_ = shortcut->add("1", BatchNorm(out));
  }

  torch::Tensor forward(const torch::Tensor& x, const SumOverRanks& sum) {
    const torch::Tensor hidden = torch::relu(bn1_(conv1_(x), sum));
    const torch::Tensor out = bn2_(conv2_(hidden), sum);
    return torch::relu(out + (shortcut_conv_ ? shortcut_bn_(shortcut_conv_(x), sum) : x));
  }

 private:
  nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, shortcut_conv_{nullptr};
  BatchNorm bn1_{nullptr}, bn2_{nullptr}, shortcut_bn_{nullptr};
};

/// Decoder step: nearest x2, concatenate [up, skip], twice (conv, BN, ReLU).
class DecoderBlock : public nn::Module {
 public:
  DecoderBlock(std::int64_t in, std::int64_t skip, std::int64_t out) {
    const auto conv1 = register_module("conv1", std::make_shared<Group>());
    conv1_ = conv1->add("0", plain_conv(in + skip, out, 3, 1));
    bn1_ = conv1->add("1", BatchNorm(out));
    const auto conv2 = register_module("conv2", std::make_shared<Group>());
    conv2_ = conv2->add("0", plain_conv(out, out, 3, 1));
    bn2_ = conv2->add("1", BatchNorm(out));
  }

  torch::Tensor forward(const torch::Tensor& below, const torch::Tensor& skip,
                        const SumOverRanks& sum) {
    torch::Tensor x = torch::upsample_nearest2d(
        below, std::vector<std::int64_t>{below.size(2) * 2, below.size(3) * 2});
    if (skip.defined()) x = torch::cat({x, skip}, 1);
    x = torch::relu(bn1_(conv1_(x), sum));
    return torch::relu(bn2_(conv2_(x), sum));
  }

 private:
  nn::Conv2d conv1_{nullptr}, conv2_{nullptr};
  BatchNorm bn1_{nullptr}, bn2_{nullptr};
};

/// smp's initialisation: encoder Kaiming normal (fan out), its first convolution PyTorch's default;
/// decoder Kaiming uniform (fan in); head Xavier uniform, bias 0.
void init_unet(nn::Module& unet) {
  torch::NoGradGuard no_grad;
  for (auto& item : unet.named_parameters()) {
    const std::string& key = item.key();
    torch::Tensor& value = item.value();
    if (key.rfind("segmentation_head", 0) == 0) {
      value.dim() == 4 ? nn::init::xavier_uniform_(value) : nn::init::zeros_(value);
    } else if (value.dim() == 4 && key.rfind("decoder", 0) == 0) {
      nn::init::kaiming_uniform_(value, 0, torch::kFanIn, torch::kReLU);
    } else if (value.dim() == 4 && key != "encoder.conv1.weight") {
      nn::init::kaiming_normal_(value, 0, torch::kFanOut, torch::kReLU);
    }
  }
}

}  // namespace

BatchNormImpl::BatchNormImpl(std::int64_t channels) {
  weight_ = register_parameter("weight", torch::ones({channels}));
  bias_ = register_parameter("bias", torch::zeros({channels}));
  mean_ = register_buffer("running_mean", torch::zeros({channels}));
  var_ = register_buffer("running_var", torch::ones({channels}));
  count_ = register_buffer("num_batches_tracked", torch::zeros({}, torch::kInt64));
}

torch::Tensor BatchNormImpl::forward(const torch::Tensor& x, const SumOverRanks& sum) {
  if (is_training()) count_.add_(1);
  if (is_training() && sum) return forward_summed(x, sum);
  return torch::batch_norm(x, weight_, bias_, mean_, var_, is_training(), kMomentum, kEpsilon,
                           /*cudnn_enabled=*/true);
}

torch::Tensor BatchNormImpl::forward_summed(const torch::Tensor& x, const SumOverRanks& sum) {
  const std::vector<std::int64_t> all_but_channels = {0, 2, 3};
  const torch::Tensor wide = x.to(torch::kFloat64);  // E[x^2] - E[x]^2 cancels in float32.
  const torch::Tensor own =
      torch::cat({wide.sum(all_but_channels), wide.square().sum(all_but_channels),
                  torch::full({1}, static_cast<double>(x.numel() / x.size(1)), wide.options())});
  const torch::Tensor total = sum(own);
  const auto channels = x.size(1);
  const torch::Tensor count = total[2 * channels];
  const torch::Tensor mean = total.slice(0, 0, channels) / count;
  const torch::Tensor var = total.slice(0, channels, 2 * channels) / count - mean.square();
  {
    torch::NoGradGuard no_grad;
    mean_.mul_(1 - kMomentum).add_(mean.to(mean_.scalar_type()), kMomentum);
    const torch::Tensor unbiased = var * (count / (count - 1));
    var_.mul_(1 - kMomentum).add_(unbiased.to(var_.scalar_type()), kMomentum);
  }
  const torch::Tensor scale = torch::rsqrt(var + kEpsilon).to(x.scalar_type()) * weight_;
  const torch::Tensor shift = bias_ - mean.to(x.scalar_type()) * scale;
  return x * scale.view({1, -1, 1, 1}) + shift.view({1, -1, 1, 1});
}

struct Unet::Parts {
  nn::Conv2d conv1{nullptr}, head{nullptr};
  BatchNorm bn1{nullptr};
  std::array<std::vector<std::shared_ptr<BasicBlock>>, 4> stages;
  std::vector<std::shared_ptr<DecoderBlock>> decoder;
};

Unet::Unet(const UnetOptions& options) : options_(options), parts_(std::make_unique<Parts>()) {
  const std::int64_t w = options.width;
  if (w < 4 || w % 4 != 0) {
    throw_invalid("unet.width = " + std::to_string(w) + ": must be a multiple of 4");
  }
  const auto encoder = register_module("encoder", std::make_shared<Group>());
  parts_->conv1 = encoder->add(
      "conv1",
      nn::Conv2d(nn::Conv2dOptions(options.channels, w, 7).stride(2).padding(3).bias(false)));
  parts_->bn1 = encoder->add("bn1", BatchNorm(w));
  constexpr std::array<int, 4> kBlocks = {3, 4, 6, 3};  // ResNet-34
  const std::array<std::int64_t, 5> channels = {w, w, 2 * w, 4 * w, 8 * w};
  for (std::size_t stage = 0; stage < 4; ++stage) {
    const auto layer = encoder->add("layer" + std::to_string(stage + 1), std::make_shared<Group>());
    for (int block = 0; block < kBlocks[stage]; ++block) {
      const bool first = block == 0;
      parts_->stages[stage].push_back(layer->add(
          std::to_string(block),
          std::make_shared<BasicBlock>(first ? channels[stage] : channels[stage + 1],
                                       channels[stage + 1], first && stage > 0 ? 2 : 1)));
    }
  }
  const auto decoder = register_module("decoder", std::make_shared<Group>());
  const auto blocks = decoder->add("blocks", std::make_shared<Group>());
  const std::array<std::int64_t, 6> up = {8 * w, 4 * w, 2 * w, w, w / 2, w / 4};
  const std::array<std::int64_t, 5> skip = {4 * w, 2 * w, w, w, 0};
  for (std::size_t i = 0; i < 5; ++i) {
    parts_->decoder.push_back(
        blocks->add(std::to_string(i), std::make_shared<DecoderBlock>(up[i], skip[i], up[i + 1])));
  }
  const auto head = register_module("segmentation_head", std::make_shared<Group>());
  parts_->head = head->add("0", conv(w / 4, options.classes, 3));
  init_unet(*this);
}

Unet::~Unet() = default;

std::array<torch::Tensor, 5> Unet::encode(const torch::Tensor& image, int count) {
  TORCH_CHECK(image.size(2) % 32 == 0 && image.size(3) % 32 == 0,
              "the U-Net needs sides that are multiples of 32, not ", image.size(2), "x",
              image.size(3));
  std::array<torch::Tensor, 5> features;
  features[0] = torch::relu(parts_->bn1(parts_->conv1(image), sum_));
  torch::Tensor x = features[0];
  for (std::size_t stage = 0; stage + 1 < static_cast<std::size_t>(count); ++stage) {
    if (stage == 0) x = torch::max_pool2d(x, 3, 2, 1);
    for (const auto& block : parts_->stages[stage]) x = block->forward(x, sum_);
    features[stage + 1] = x;
  }
  return features;
}

UnetOutput Unet::forward(const torch::Tensor& image) {
  UnetOutput out;
  out.encoder = encode(image);
  torch::Tensor x = out.encoder[4];
  for (std::size_t i = 0; i < 5; ++i) {
    x = parts_->decoder[i]->forward(x, i < 4 ? out.encoder[3 - i] : torch::Tensor(), sum_);
  }
  out.decoder = x;
  out.logits = parts_->head(x);
  return out;
}

}  // namespace reprise::models
