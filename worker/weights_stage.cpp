/// Stages of kind "import-weights": a user's file, checked against its network, becomes an object.
#include "models/inception.h"
#include "models/unet.h"
#include "models/vgg.h"
#include "models/weights_file.h"
#include "sweep/digest.h"
#include "worker/config.h"
#include "worker/stage_body.h"
#include "worker/stage_setup.h"

namespace reprise::worker {
namespace {

namespace json = boost::json;

/// Where torchvision's classifiers keep what we do not use.
bool is_of_classifier(const std::string& key) {
  return key.rfind("classifier.", 0) == 0 || key.rfind("fc.", 0) == 0 ||
         key.rfind("AuxLogits.", 0) == 0;
}

/// What the weights of `role` are for, under torchvision's keys.
std::shared_ptr<torch::nn::Module> network_for(const std::string& role) {
  if (role == "vgg19") return std::make_shared<models::Vgg19>(models::VggLayer::Conv54);
  if (role == "inception") return std::make_shared<models::FidInception>();
  if (role == "resnet34") {  // ImageNet's, whose first convolution sees three channels.
    const models::Unet unet(models::UnetOptions{.channels = 3});
    return unet.named_children()["encoder"];
  }
  throw_invalid("stage config: role \"" + role + "\": no such weights");
}

models::TensorFile import_file(const json::object& config, const json::object& options,
                               torch::nn::Module& network) {
  const std::string path = config::text(options, "path");
  if (sha256_file(path) != config::text(config, "sha256")) {
    throw_corrupt(path + ": changed since the study was planned");
  }
  models::TensorFile file = models::read_weights(path);
  std::erase_if(file.tensors, [](const auto& entry) { return is_of_classifier(entry.first); });
  models::load_weights(network, file, path);
  return models::state_of(network);
}

}  // namespace

StageWork run_import(const wire::Assign& assign, const StageContext& context) {
  models::TensorFile weights;
  agree(context.collective, [&] {
    if (context.collective.rank() != 0) return;
    const bool is_random = assign.config.contains("random");
    if (is_random) {
      torch::manual_seed(static_cast<std::uint64_t>(config::integer(assign.config, "random", 0)));
    }
    const auto network = network_for(config::text(assign.config, "role"));
    weights = is_random ? models::state_of(*network)
                        : import_file(assign.config, assign.options, *network);
  });
  StageWork work;
  if (context.collective.rank() != 0) return work;
  work.body = json::object{{"artifacts", {{"weights", store_object(context, weights)}}},
                           {"scalars", json::object{}},
                           {"curve", json::array{}},
                           {"provenance", provenance(context, 0)}};
  return work;
}

}  // namespace reprise::worker
