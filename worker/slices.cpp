#include "worker/slices.h"

namespace reprise::worker {
namespace {

/// A tensor that keeps what its memory belongs to.
template <typename T>
torch::Tensor view_of(const std::shared_ptr<const StreamedSlice>& slice, const std::vector<T>& part,
                      at::IntArrayRef shape, torch::ScalarType type) {
  return torch::from_blob(const_cast<T*>(part.data()), shape, [slice](void*) {}, type);
}

}  // namespace

std::int64_t SliceTensors::count() const {
  if (chosen) return static_cast<std::int64_t>(chosen->size());
  return stream ? stream->frame().count : images.size(0);
}

std::int64_t SliceTensors::channels() const {
  return stream ? stream->frame().channels : images.size(1);
}

std::int64_t SliceTensors::height() const {
  return stream ? stream->frame().height : images.size(2);
}

std::int64_t SliceTensors::width() const { return stream ? stream->frame().width : images.size(3); }

std::int64_t SliceTensors::stored(std::int64_t slice) const {
  return chosen ? chosen->at(slice) : slice;
}

SliceTensors SliceTensors::subset(const std::vector<std::int64_t>& slices) const {
  SliceTensors part = *this;
  part.chosen.emplace();
  for (const auto slice : slices) part.chosen->push_back(stored(slice));
  return part;
}

std::string SliceTensors::name(std::int64_t slice) const {
  const auto at = static_cast<std::size_t>(stored(slice));
  return at < names.size() ? names[at] : "slice " + std::to_string(at);
}

torch::Tensor SliceTensors::stored_image(std::int64_t index) const {
  if (!stream) return images.narrow(0, index, 1);
  const auto read = stream->slice(index);
  return view_of(read, read->image, {1, channels(), height(), width()}, torch::kFloat32);
}

torch::Tensor SliceTensors::stored_label(std::int64_t index) const {
  if (!stream) return labels[index];
  const auto read = stream->slice(index);
  return view_of(read, read->labels, {height(), width()}, torch::kUInt8);
}

}  // namespace reprise::worker
