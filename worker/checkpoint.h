#pragma once
/// Checkpoints of a stage: one safetensors file with everything, and a manifest with its SHA-256.
///
///   <folder>/step-00000120.safetensors   tensors, written first
///   <folder>/step-00000120.json          {"step", "bytes", "sha256"}, written second: the commit
///
/// Both are atomic and fsynced; the newest few are kept. One process writes; any may read.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/torch.h"

namespace reprise::worker {

struct Snapshot {
  std::int64_t step = 0;
  std::map<std::string, torch::Tensor> tensors;  ///< On the CPU, contiguous.
};

/// What was found of a stage's checkpoints.
struct LoadedCheckpoint {
  std::optional<Snapshot> snapshot;   ///< The newest sound one.
  std::vector<std::string> warnings;  ///< Why newer ones were passed over, one line each.
};

class CheckpointStore {
 public:
  /// `kept`: how many checkpoints stay, at least 1.
  explicit CheckpointStore(std::filesystem::path folder, std::int64_t kept = 2)
      : folder_(std::move(folder)), kept_(static_cast<std::size_t>(kept)) {}

  /// Errors: Unavailable, Exhausted (disk full).
  void save(const Snapshot& snapshot) const;

  /// The newest snapshot whose bytes match its manifest; damaged ones are passed over (and left for
  /// people to look at).
  [[nodiscard]] LoadedCheckpoint load_newest() const;

  /// Forgets everything; called once the stage's result is durable.
  void clear() const;

 private:
  std::filesystem::path folder_;
  std::size_t kept_;
};

}  // namespace reprise::worker
