#include "worker/slice_stream.h"

#include <algorithm>

namespace reprise::worker {
namespace {

std::size_t slice_bytes(const datasets::Slices& frame) {
  const std::size_t pixels = static_cast<std::size_t>(frame.height) * frame.width;
  return pixels * frame.channels * sizeof(float) + pixels;
}

}  // namespace

SliceStream::SliceStream(datasets::SplitReader reader, std::size_t memory_bytes)
    : reader_(std::move(reader)),
      capacity_(std::max<std::size_t>(1, memory_bytes / slice_bytes(reader_.frame()))) {}

std::shared_ptr<const StreamedSlice> SliceStream::slice(std::int64_t index) const {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = known_.find(index);
    if (found != known_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return found->second->second;
    }
  }
  const datasets::Slices& frame = reader_.frame();
  const std::size_t pixels = static_cast<std::size_t>(frame.height) * frame.width;
  auto read = std::make_shared<StreamedSlice>();
  read->image.resize(pixels * frame.channels);
  read->labels.resize(pixels);
  reader_.read(static_cast<int>(index), read->image, read->labels);

  const std::scoped_lock lock(mutex_);
  ++reads_;
  if (known_.contains(index)) return read;  // Another thread was faster.
  recent_.emplace_front(index, read);
  known_[index] = recent_.begin();
  if (recent_.size() > capacity_) {
    known_.erase(recent_.back().first);
    recent_.pop_back();
  }
  return read;
}

std::int64_t SliceStream::reads() const {
  const std::scoped_lock lock(mutex_);
  return reads_;
}

}  // namespace reprise::worker
