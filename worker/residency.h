#pragma once
/// Decides where a split's slices stay, and keeps them there from one stage to the next.

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>

#include "datasets_h5/split_reader.h"
#include "models/torch.h"
#include "worker/collective.h"
#include "worker/data_limits.h"
#include "worker/slices.h"

namespace reprise::worker {

struct ResidentSplit {
  datasets::Slices frame;
  SliceTensors tensors;
  std::string where;  ///< "device", "node" (one copy for its ranks), "memory" or "file".
  DataLimits taken = {};
};

/// The splits of one data set; a change of data set lets the old one go. Every rank of a gang makes
/// one, calls `load` with the same arguments in the same order, and destroys it before MPI ends.
class SliceCache {
 public:
  SliceCache(const torch::Device& device, const DataLimits& limits)
      : device_(device), limits_(limits) {}

  /// `split` ("train" or "test") of the file, whose digest must be `digest`. In this order of
  /// preference: on the device if it is a GPU, `on_device` is set and it fits there; in one copy a
  /// node if that fits; read from the file as needed. A split that would not fit beside the others
  /// takes their place. The reference lasts until the next call.
  /// Errors: GangError with the first failure of any rank (InvalidInput, Corrupt).
  const ResidentSplit& load(const std::filesystem::path& path, const std::string& digest,
                            const std::string& split, bool on_device, Collective& collective);

 private:
  [[nodiscard]] ResidentSplit make(datasets::SplitReader reader, const DataLimits& limits,
                                   bool on_device) const;
  void make_room(std::size_t bytes, const DataLimits& limits, bool on_device);

  torch::Device device_;
  DataLimits limits_;
  std::string digest_;
  std::map<std::string, ResidentSplit> splits_;
};

}  // namespace reprise::worker
