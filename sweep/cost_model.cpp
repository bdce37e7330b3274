#include "sweep/cost_model.h"

#include <boost/json/value.hpp>
#include <exception>
#include <functional>

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

}  // namespace

bool is_training(StageKind kind) {
  return kind == StageKind::TrainUnet || kind == StageKind::Pretrain || kind == StageKind::Finetune;
}

std::size_t CostModel::Hash::operator()(const json::object& object) const {
  return std::hash<json::object>()(object);
}

CostModel::Rates CostModel::rates_of(std::string_view device) {
  // Orders of magnitude of two cores, not measured: what is measured of a relative scales them.
  if (device == "cpu") return {.flop = 1 / 50e9, .step = 0.002, .evaluation = 2, .other = 5};
  // A Swin network's TF32 step in a CUDA graph.
  return {.flop = 1 / 25e12, .step = 0.005, .evaluation = 60, .other = 20};
}

CostModel::CostModel(std::string_view device) : rates_(rates_of(device)) {}

const CostModel::NetworkCost& CostModel::network_cost(const Stage& stage) {
  NetworkInput input{.reach = false};
  input.scale = stage.config.at("scale").as_int64();
  const json::object& network = stage.config.at("network").as_object();
  auto& known = networks_[input.scale];
  if (const auto found = known.find(network); found != known.end()) return found->second;
  const NetworkProfile profile = profile_network(network, input);
  const auto pixels = static_cast<double>(input.height * input.width);
  const NetworkCost cost{.macs_per_pixel = static_cast<double>(profile.product_macs) / pixels,
                         .parameters = static_cast<double>(profile.parameters)};
  return known.emplace(network, cost).first->second;
}

double CostModel::training_step(const Stage& stage) {
  const json::object& train = stage.config.at("train").as_object();
  const double patch = number(train, "patch");
  const double pixels = patch * patch * number(train, "batch");
  double macs = 0;
  if (stage.kind == StageKind::TrainUnet) {
    macs = kUnetMacs * unet_ratio(stage) * pixels;
  } else {
    macs = network_cost(stage).macs_per_pixel * pixels;
    if (stage.config.contains("unet")) {  // Of SR with its gradient, of HR without.
      const double scale = number(stage.config, "scale", 1);
      macs += kUnetMacs * unet_ratio(stage) * pixels * scale * scale * 4 / 3;
    }
  }
  const double flop = 3 * 2 * macs;  // Forward, and backward to inputs and weights.
  return rates_.step + flop * rates_.flop;
}

double CostModel::step_seconds(const Stage& stage) {
  if (stage.kind == StageKind::Evaluate) return rates_.evaluation;
  if (stage.kind == StageKind::Profile) return rates_.other;
  if (!is_training(stage.kind)) return 1;
  try {
    return training_step(stage);
  } catch (const std::exception&) {
    return 1;
  }
}

std::int64_t CostModel::weight_bytes(const Stage& stage) {
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
