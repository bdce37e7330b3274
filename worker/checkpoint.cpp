#include "worker/checkpoint.h"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/value_to.hpp>
#include <cstdio>
#include <iostream>
#include <vector>

#include "models/safetensors.h"
#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/json.h"

namespace reprise::worker {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string name_of(std::int64_t step) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "step-%08lld", static_cast<long long>(step));
  return text.data();
}

/// Manifests of a folder, newest first.
std::vector<fs::path> manifests(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".json") found.push_back(entry.path());
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

Snapshot load(const fs::path& manifest) {
  const auto said = sweep::parse_json(read_file(manifest), manifest.string());
  const auto tensors = fs::path(manifest).replace_extension(".safetensors");
  const auto* object = said.if_object();
  const auto* digest = object != nullptr ? object->if_contains("sha256") : nullptr;
  const auto* step = object != nullptr ? object->if_contains("step") : nullptr;
  if (digest == nullptr || !digest->is_string() || step == nullptr || !step->is_int64()) {
    throw_corrupt(manifest.string() + ": not a checkpoint manifest");
  }
  if (sha256_file(tensors) != digest->as_string()) {
    throw_corrupt(tensors.string() + ": bytes do not match the manifest's SHA-256");
  }
  Snapshot snapshot{.step = step->as_int64(), .tensors = {}};
  for (auto& [name, tensor] : models::read_safetensors(tensors).tensors) {
    snapshot.tensors[name] = tensor;
  }
  return snapshot;
}

}  // namespace

void CheckpointStore::save(const Snapshot& snapshot) const {
  const auto base = folder_ / name_of(snapshot.step);
  const auto tensors = fs::path(base).replace_extension(".safetensors");
  AtomicFile file(tensors);
  models::TensorFile content;
  for (const auto& [name, tensor] : snapshot.tensors) content.tensors[name] = tensor;
  models::write_safetensors(file.temporary(), content);
  const std::string digest = sha256_file(file.temporary());
  const auto bytes = static_cast<std::int64_t>(fs::file_size(file.temporary()));
  file.commit();
  const json::object manifest{{"step", snapshot.step}, {"bytes", bytes}, {"sha256", digest}};
  write_file_atomically(fs::path(base).replace_extension(".json"),
                        sweep::canonical_json(manifest) + "\n");
  const auto all = manifests(folder_);
  for (std::size_t old = kept_; old < all.size(); ++old) {
    std::error_code ignored;
    fs::remove(all[old], ignored);
    fs::remove(fs::path(all[old]).replace_extension(".safetensors"), ignored);
  }
}

LoadedCheckpoint CheckpointStore::load_newest() const {
  LoadedCheckpoint loaded;
  for (const auto& manifest : manifests(folder_)) {
    try {
      loaded.snapshot = load(manifest);
      break;
    } catch (const Error& error) {
      loaded.warnings.push_back("checkpoint passed over: " + std::string(error.what()));
      std::cerr << "reprise-worker: " << loaded.warnings.back() << '\n';
    }
  }
  return loaded;
}

void CheckpointStore::clear() const {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

}  // namespace reprise::worker
