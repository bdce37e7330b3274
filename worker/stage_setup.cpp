#include "worker/stage_setup.h"

#include <unistd.h>

#include <array>

#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "worker/config.h"

namespace reprise::worker {

namespace fs = std::filesystem;
namespace json = boost::json;

LoadedSplit load_split(const wire::Assign& assign, std::string_view split) {
  LoadedSplit loaded{.info = datasets::load_split(assign.dataset_path, split), .tensors = {}};
  auto& info = loaded.info;
  if (info.digest != assign.dataset_digest) {
    throw_corrupt(assign.dataset_path + ": content digest is not " + assign.dataset_digest +
                  ": the data set was changed after the study was submitted");
  }
  loaded.tensors.images =
      torch::from_blob(info.images.data(), {info.count, info.channels, info.height, info.width})
          .clone();
  loaded.tensors.labels =
      torch::from_blob(info.labels.data(), {info.count, info.height, info.width}, torch::kUInt8)
          .clone();
  info.images = {};
  info.labels = {};
  return loaded;
}

StageInputs inputs_of(const wire::Assign& assign, const StageContext& context,
                      const datasets::Slices& info) {
  StageInputs inputs;
  for (const auto& [role, sha256] : assign.inputs) {
    const auto path = object_path(context.workspace, sha256);
    if (sha256_file(path) != sha256) throw_corrupt(path.string() + ": bytes do not match the name");
    inputs.weights[role] = path;
  }
  inputs.channels = info.channels;
  inputs.classes = static_cast<std::int64_t>(info.label_names.size());
  inputs.device = context.device;
  return inputs;
}

json::object provenance(const StageContext& context, double seconds) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return {{"host", host.data()},
          {"device", context.device.str()},
          {"ranks", context.collective.size()},
          {"threads", at::get_num_threads()},
          {"torch", TORCH_VERSION},
          {"seconds", seconds},
          {"device_seconds", seconds * context.collective.size()}};
}

json::object store_object(const StageContext& context, const models::TensorFile& content) {
  const auto folder = context.workspace / "objects";
  AtomicFile written(folder / "incoming");
  models::write_safetensors(written.temporary(), content);
  const std::string digest = sha256_file(written.temporary());
  const auto bytes = static_cast<std::int64_t>(fs::file_size(written.temporary()));
  AtomicFile named(object_path(context.workspace, digest));
  fs::rename(written.temporary(), named.temporary());
  named.commit();
  return {{"sha256", digest}, {"bytes", bytes}};
}

}  // namespace reprise::worker
