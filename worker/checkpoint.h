#pragma once
/// Checkpoints of a stage: one safetensors file with everything, and a manifest with its SHA-256.
///
///   <folder>/step-00000120.safetensors   tensors, written first
///   <folder>/step-00000120.json          {"step", "bytes", "sha256"}, written second: the commit
///
/// Both are atomic and fsynced; the newest two are kept. One process writes; any may read.

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace reprise::worker {

struct Snapshot {
  std::int64_t step = 0;
  std::map<std::string, torch::Tensor> tensors;  ///< On the CPU, contiguous.
};

class CheckpointStore {
 public:
  explicit CheckpointStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Errors: Unavailable, Exhausted (disk full).
  void save(const Snapshot& snapshot) const;

  /// The newest snapshot whose bytes match its manifest; damaged ones are passed over (and left for
  /// people to look at). Nothing where there is none.
  [[nodiscard]] std::optional<Snapshot> load_newest() const;

  /// Forgets everything; called once the stage's result is durable.
  void clear() const;

 private:
  std::filesystem::path folder_;
};

}  // namespace reprise::worker
