#pragma once
/// Slices read from the file as they are needed, for data sets larger than memory.

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "datasets_h5/split_reader.h"

namespace reprise::worker {

/// One slice: image [C,H,W] in [0,1], labels [H,W].
struct StreamedSlice {
  std::vector<float> image;
  std::vector<std::uint8_t> labels;
};

/// Keeps the most recently used slices, up to a number of bytes. Usable from any thread.
class SliceStream {
 public:
  SliceStream(datasets::SplitReader reader, std::size_t memory_bytes);

  [[nodiscard]] const datasets::Slices& frame() const { return reader_.frame(); }
  /// Errors: Corrupt.
  [[nodiscard]] std::shared_ptr<const StreamedSlice> slice(std::int64_t index) const;
  /// How many of the calls of `slice` had to read the file.
  [[nodiscard]] std::int64_t reads() const;

 private:
  using Entry = std::pair<std::int64_t, std::shared_ptr<const StreamedSlice>>;
  datasets::SplitReader reader_;
  std::size_t capacity_;  ///< In slices, at least one.
  mutable std::mutex mutex_;
  mutable std::list<Entry> recent_;  ///< Newest first.
  mutable std::unordered_map<std::int64_t, std::list<Entry>::iterator> known_;
  mutable std::int64_t reads_ = 0;
};

}  // namespace reprise::worker
