#include "datasets_h5/split_reader.h"

#include <algorithm>

#include "datasets_h5/dataset_metadata.h"
#include "datasets_h5/h5.h"
#include "sweep/error.h"

namespace reprise::datasets {

struct SplitReader::State {
  h5::File file;
  DatasetInfo info;
  Slices frame;
  std::vector<int> chosen;  ///< Slice of the split to slice of the file.

  explicit State(const DatasetFile& dataset)
      : file(h5::File::open(dataset.path())), info(dataset.info()) {}
  ~State() {
    const auto guard = h5::lock();
    file = {};
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  State(State&&) = delete;
  State& operator=(State&&) = delete;
};

SplitReader::SplitReader(const DatasetFile& file, std::string_view split) {
  const std::string name = file.path().string() + ": split \"" + std::string(split) + "\" ";
  if (split != "train" && split != "test") {
    throw_invalid(name + "does not exist: use train or test");
  }
  {
    const auto guard = h5::lock();
    state_ = std::make_unique<State>(file);
  }
  const DatasetInfo& info = state_->info;
  Slices& frame = state_->frame;
  frame.channels = info.channels;
  frame.height = info.height;
  frame.width = info.width;
  frame.label_names = info.label_names;
  frame.label_groups = info.label_groups;
  frame.digest = info.digest;
  std::vector<int> renumbered(info.subjects.size(), -1);
  for (std::size_t i = 0; i < info.subjects.size(); ++i) {
    if (info.subjects[i].split != split) continue;
    renumbered[i] = static_cast<int>(frame.subject_ids.size());
    frame.subject_ids.push_back(info.subjects[i].id);
  }
  for (int n = 0; n < info.count; ++n) {
    const int subject = renumbered[info.slice_subject[n]];
    if (subject < 0) continue;
    state_->chosen.push_back(n);
    frame.subject.push_back(subject);
  }
  if (frame.subject.empty()) throw_invalid(name + "is empty");
  frame.count = static_cast<int>(frame.subject.size());
}

SplitReader::~SplitReader() = default;
SplitReader::SplitReader(SplitReader&&) noexcept = default;
SplitReader& SplitReader::operator=(SplitReader&&) noexcept = default;

const Slices& SplitReader::frame() const { return state_->frame; }

void SplitReader::read(int index, std::span<float> image, std::span<std::uint8_t> labels) const {
  const DatasetInfo& info = state_->info;
  REPRISE_CHECK(index >= 0 && index < state_->frame.count);
  const std::size_t pixels = static_cast<std::size_t>(info.height) * info.width;
  REPRISE_CHECK(image.size() == pixels * info.channels && labels.size() == pixels);
  const int slice = state_->chosen[index];
  std::vector<std::byte> bytes(image.size() * size_of(info.element));
  {
    const auto guard = h5::lock();
    h5::Shape count = image_shape(info);
    count[0] = 1;
    state_->file.read("images", type_of(info.element), {extent(slice), 0, 0, 0}, count,
                      bytes.data());
    state_->file.read("labels", H5T_STD_U8LE, {extent(slice), 0, 0},
                      {1, extent(info.height), extent(info.width)}, labels.data());
  }
  decode(bytes, info.element, image);
  const SubjectRecord& subject = info.subjects[info.slice_subject[slice]];
  for (int c = 0; c < info.channels; ++c) {
    const double range = subject.maximum[c] - subject.minimum[c];
    for (float& value : image.subspan(c * pixels, pixels)) {
      const double scaled = value * subject.slope[c] + subject.intercept[c];
      value = std::clamp(static_cast<float>((scaled - subject.minimum[c]) / range), 0.0F, 1.0F);
    }
  }
}

}  // namespace reprise::datasets
