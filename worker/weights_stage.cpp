/// Stages of kind "import-weights": a user's file, checked against its network, becomes an object.
#include "models/inception.h"
#include "models/unet.h"
#include "models/vgg.h"
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

/// The network that the weights of `role` are for.
std::shared_ptr<torch::nn::Module> network_for(const std::string& role) {
  if (role == "vgg19") return std::make_shared<models::Vgg19>(models::VggLayer::Conv54);
  if (role == "inception") return std::make_shared<models::FidInception>();
  if (role == "resnet34") return std::make_shared<models::Unet>(models::UnetOptions{});
  throw_invalid("stage config: role \"" + role + "\": no such weights");
}

/// The file's tensors that `wanted` has; the others must be of a classifier or of deeper layers.
models::TensorFile choose(const models::TensorFile& file, const models::TensorFile& wanted,
                          const std::string& where) {
  models::TensorFile chosen;
  for (const auto& [key, tensor] : wanted.tensors) {
    const auto found = file.tensors.find(key);
    if (found == file.tensors.end()) throw_corrupt(where + ": has no tensor " + key);
    if (found->second.sizes() != tensor.sizes()) {
      throw_corrupt(where + ": tensor " + key + " is " + c10::str(found->second.sizes()) +
                    ", not " + c10::str(tensor.sizes()));
    }
    chosen.tensors[key] = found->second.to(tensor.scalar_type()).contiguous();
  }
  for (const auto& [key, tensor] : file.tensors) {
    if (!wanted.tensors.contains(key) && !is_of_classifier(key)) {
      throw_corrupt(where + ": unexpected tensor " + key);
    }
  }
  return chosen;
}

models::TensorFile import_file(const json::object& config, const json::object& options,
                               const std::string& role) {
  const std::string path = config::text(options, "path");
  if (sha256_file(path) != config::text(config, "sha256")) {
    throw_corrupt(path + ": changed since the study was planned");
  }
  models::TensorFile wanted = models::state_of(*network_for(role));
  if (role == "resnet34") {
    // The encoder's keys without "encoder."; the first convolution still has three channels.
    models::TensorFile encoder;
    for (const auto& [key, tensor] : wanted.tensors) {
      constexpr std::string_view kPrefix = "encoder.";
      if (key.rfind(kPrefix, 0) == 0) encoder.tensors[key.substr(kPrefix.size())] = tensor;
    }
    encoder.tensors.at("conv1.weight") = torch::empty({64, 3, 7, 7});
    wanted = encoder;
  }
  return choose(models::read_safetensors(path), wanted, path);
}

}  // namespace

StageWork run_import(const wire::Assign& assign, const StageContext& context) {
  models::TensorFile weights;
  agree(context.collective, [&] {
    if (context.collective.rank() != 0) return;
    const std::string role = config::text(assign.config, "role");
    if (assign.config.contains("random")) {
      torch::manual_seed(static_cast<std::uint64_t>(config::integer(assign.config, "random", 0)));
      weights = models::state_of(*network_for(role));
    } else {
      weights = import_file(assign.config, assign.options, role);
    }
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
