#include "worker/stage_setup.h"

#include <unistd.h>

#include <torch/version.h>

#include <array>

#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "worker/config.h"

namespace reprise::worker {

namespace fs = std::filesystem;
namespace json = boost::json;

const ResidentSplit& load_split(const wire::Assign& assign, const StageContext& context,
                                const std::string& split) {
  // Images are judged on the CPU: only training data pays on a GPU.
  return context.data.load(assign.dataset_path, assign.dataset_digest, split, split == "train",
                           context.collective);
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
