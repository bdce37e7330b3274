#include "sweep/cost_model.h"

#include <boost/json/object.hpp>

#include "sweep/network_profile.h"

namespace reprise::sweep {
namespace {

namespace json = boost::json;

double number(const json::object& object, const char* key, double fallback = 0) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_number() ? found->to_number<double>() : fallback;
}

/// The segmentation U-Net (ResNet-34) at width 64: per HR pixel, and all of it.
constexpr double kUnetMacs = 0.3e6;
constexpr double kUnetParameters = 24.43e6;

/// What a width does to the U-Net's cost.
double unet_ratio(const Stage& stage) {
  const double ratio = number(stage.config.at("unet").as_object(), "width", 64) / 64;
  return ratio * ratio;
}

/// Of one LR pixel, and parameters; images of one channel.
struct NetworkCost {
  double macs_per_pixel = 0, parameters = 0;
};

NetworkCost network_cost(const Stage& stage) {
  NetworkInput input{.reach = false};
  input.scale = stage.config.at("scale").as_int64();
  const NetworkProfile profile = profile_network(stage.config.at("network").as_object(), input);
  const auto pixels = static_cast<double>(input.height * input.width);
  return {.macs_per_pixel = static_cast<double>(profile.product_macs) / pixels,
          .parameters = static_cast<double>(profile.parameters)};
}

}  // namespace

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
    macs = kUnetMacs * unet_ratio(stage) * pixels;
  } else {
    macs = network_cost(stage).macs_per_pixel * pixels;
    if (stage.inputs.contains("segmenter")) {  // Of SR with its gradient, of HR without.
      const double scale = number(stage.config, "scale", 1);
      macs += kUnetMacs * unet_ratio(stage) * pixels * scale * scale * 4 / 3;
    }
  }
  const double flop = 3 * 2 * macs;  // Forward, and backward to inputs and weights.
  return static_cast<double>(stage.steps) * (kOverhead + flop / kRate);
}

std::int64_t weight_bytes(const Stage& stage) {
  double parameters = 0;
  if (stage.kind == StageKind::TrainUnet) {
    parameters = kUnetParameters * unet_ratio(stage);
  } else if (is_training(stage.kind)) {
    parameters = network_cost(stage).parameters;
  }
  return static_cast<std::int64_t>(parameters * 4);
}

std::int64_t checkpoint_bytes(const Stage& stage, std::int64_t weights) {
  const json::value* kept = stage.options.if_contains("checkpoints_kept");
  const std::int64_t count = kept != nullptr && kept->is_int64() ? kept->as_int64() : 2;
  return weights * 3 * count;
}

}  // namespace reprise::sweep
