#include "sweep/cost_model.h"

#include <boost/json/array.hpp>
#include <string>

namespace reprise::sweep {
namespace {

namespace json = boost::json;

double number(const json::object& object, const char* key, double fallback = 0) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_number() ? found->to_number<double>() : fallback;
}

double conv3(double in, double out) { return 9 * in * out; }

/// Multiply-adds per pixel and weights of a network's parts.
struct Sum {
  double macs = 0, weights = 0;
  void add(double per_pixel, double times = 1) {
    macs += per_pixel * times;
    weights += per_pixel * times;
  }
  /// A part that runs on `pixels` pixels per LR pixel.
  void add_scaled(double per_pixel, double pixels) {
    macs += per_pixel * pixels;
    weights += per_pixel;
  }
};

/// Convolution and pixel shuffle, twofold each, then the last convolution.
void add_upsampler(Sum& sum, double width, double channels, double scale) {
  double pixels = 1;
  for (double step = 2; step <= scale; step *= 2, pixels *= 4) {
    sum.add_scaled(conv3(width, 4 * width), pixels);
  }
  sum.add_scaled(conv3(width, channels), scale * scale);
}

/// A Swin layer: qkv, projection, an MLP of ratio 2, and the attention products.
void add_swin_layer(Sum& sum, double width, double window, double times) {
  sum.add(8 * width * width, times);
  sum.macs += 2 * window * window * width * times;
}

Sum rdst(const json::object& net) {
  Sum sum;
  const double width = number(net, "width");
  const double growth = number(net, "growth");
  const double blocks = number(net, "blocks");
  const double dense = number(net, "dense_layers");
  for (double k = 0; k < dense; ++k) {
    const double wide = width + k * growth;
    add_swin_layer(sum, wide, number(net, "window"), blocks * number(net, "layers"));
    sum.add(wide * growth, blocks);
  }
  sum.add(conv3(width + dense * growth, width), blocks);
  sum.add(conv3(width, width));
  return sum;
}

Sum rdn(const json::object& net) {
  Sum sum;
  const double width = number(net, "width");
  const double growth = number(net, "growth");
  const double blocks = number(net, "blocks");
  const double layers = number(net, "layers");
  for (double k = 0; k < layers; ++k) sum.add(conv3(width + k * growth, growth), blocks);
  sum.add((width + layers * growth) * width, blocks);
  sum.add(blocks * width * width + 2 * conv3(width, width));
  return sum;
}

Sum body_of(const json::object& net) {
  const std::string name(net.at("name").as_string());
  const double width = number(net, "width");
  const double blocks = number(net, "blocks");
  const double groups = number(net, "groups");
  Sum sum;
  if (name == "rdst") return rdst(net);
  if (name == "rdn") return rdn(net);
  if (name == "swinir") {
    add_swin_layer(sum, width, number(net, "window"), blocks * number(net, "layers"));
    sum.add(conv3(width, width), blocks + 1);
  } else if (name == "edsr") {
    sum.add(conv3(width, width), 2 * blocks + 1);
  } else if (name == "rcan") {  // Gated pairs: two 3x3 and a 1x1 convolution each.
    sum.add(2 * conv3(width, width) + width * width, groups * blocks * 2);
    sum.add(conv3(width, width), groups + 1);
  } else if (name == "han") {
    sum.add(conv3(width, width), groups * (2 * blocks + 1) + 1);
    sum.add(conv3((groups + 1) * width, width) + conv3(2 * width, width));
  } else {  // ConvNet: depthwise 7x7 and two linear layers.
    sum.add(49 * width + 8 * width * width, blocks);
  }
  return sum;
}

}  // namespace

NetworkCost network_cost(const json::object& network, std::int64_t channels, std::int64_t scale) {
  Sum sum = body_of(network);
  const double width = number(network, "width");
  const auto images = static_cast<double>(channels);
  const auto factor = static_cast<double>(scale);
  sum.add(conv3(images, width));
  const json::value* upsampler = network.if_contains("upsampler");
  if (upsampler != nullptr && *upsampler == "direct") {
    sum.add(conv3(width, factor * factor * images));
  } else {
    add_upsampler(sum, width, images, factor);
  }
  return {.macs_per_pixel = sum.macs, .parameters = sum.weights};
}

NetworkCost unet_cost(const json::object& unet) {
  // ResNet-34 U-Net of width 64: 24.4 M parameters, about 0.3 M multiply-adds a pixel.
  const double ratio = number(unet, "width", 64) / 64;
  return {.macs_per_pixel = 0.3e6 * ratio * ratio, .parameters = 24.43e6 * ratio * ratio};
}

bool is_training(StageKind kind) {
  return kind == StageKind::TrainUnet || kind == StageKind::Pretrain || kind == StageKind::Finetune;
}

double modelled_seconds(const Stage& stage) {
  constexpr double kRate = 25e12;      // FLOP a second: a Swin network's TF32 step in a CUDA graph.
  constexpr double kOverhead = 0.005;  // Seconds a step: launches that nothing hides.
  constexpr double kEvaluation = 60;   // Seconds: reading, inference and metrics of a test split.
  constexpr double kOther = 20;        // Seconds: a profile.
  if (stage.kind == StageKind::Evaluate) return kEvaluation;
  if (!is_training(stage.kind)) return stage.kind == StageKind::Profile ? kOther : 1;
  const json::object& train = stage.config.at("train").as_object();
  const double patch = number(train, "patch");
  const double pixels = patch * patch * number(train, "batch");
  double macs = 0;
  if (stage.kind == StageKind::TrainUnet) {
    macs = unet_cost(stage.config.at("unet").as_object()).macs_per_pixel * pixels;
  } else {
    const auto scale = stage.config.at("scale").as_int64();
    macs = network_cost(stage.config.at("network").as_object(), 1, scale).macs_per_pixel * pixels;
    if (stage.inputs.contains("segmenter")) {  // Of SR with its gradient, of HR without.
      macs += unet_cost(stage.config.at("unet").as_object()).macs_per_pixel * pixels *
              static_cast<double>(scale * scale) * 4 / 3;
    }
  }
  const double flop = 3 * 2 * macs;  // Forward, and backward to inputs and weights.
  return static_cast<double>(stage.steps) * (kOverhead + flop / kRate);
}

std::int64_t weight_bytes(const Stage& stage) {
  double parameters = 0;
  if (stage.kind == StageKind::TrainUnet) {
    parameters = unet_cost(stage.config.at("unet").as_object()).parameters;
  } else if (is_training(stage.kind)) {
    parameters =
        network_cost(stage.config.at("network").as_object(), 1, stage.config.at("scale").as_int64())
            .parameters;
  }
  return static_cast<std::int64_t>(parameters * 4);
}

std::int64_t checkpoint_bytes(const Stage& stage) {
  const json::value* kept = stage.options.if_contains("checkpoints_kept");
  const std::int64_t count = kept != nullptr && kept->is_int64() ? kept->as_int64() : 2;
  return weight_bytes(stage) * 3 * count;
}

}  // namespace reprise::sweep
