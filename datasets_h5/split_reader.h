#pragma once
/// One split of a data set file, a slice at a time: for whoever cannot or need not hold all of it.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "datasets_h5/dataset_file.h"

namespace reprise::datasets {

/// Keeps the file open. Methods may be called from any thread; HDF5 runs one call at a time.
class SplitReader {
 public:
  /// Errors: InvalidInput (unknown or empty split), Corrupt.
  SplitReader(const DatasetFile& file, std::string_view split);
  ~SplitReader();
  SplitReader(SplitReader&&) noexcept;
  SplitReader& operator=(SplitReader&&) noexcept;
  SplitReader(const SplitReader&) = delete;
  SplitReader& operator=(const SplitReader&) = delete;

  [[nodiscard]] const Slices& frame() const;

  /// Reads slice `index` of the split: `image` [C, H, W], min-max normalised to [0, 1], and
  /// `labels` [H, W]. Errors: Corrupt.
  void read(int index, std::span<float> image, std::span<std::uint8_t> labels) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise::datasets
