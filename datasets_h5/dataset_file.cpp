#include "datasets_h5/dataset_file.h"

#include <algorithm>

#include "datasets_h5/dataset_digest.h"
#include "datasets_h5/dataset_metadata.h"
#include "datasets_h5/h5.h"
#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

void check_consistent(const Dataset& dataset) {
  const DatasetInfo& info = dataset.info;
  const std::size_t pixels = static_cast<std::size_t>(info.count) * info.height * info.width;
  REPRISE_CHECK(info.count > 0 && info.channels > 0 && !info.subjects.empty());
  REPRISE_CHECK(dataset.images.size() == pixels * info.channels);
  REPRISE_CHECK(dataset.labels.size() == pixels);
  REPRISE_CHECK(info.slice_subject.size() == static_cast<std::size_t>(info.count));
}

/// Reads one slice's pixels and labels in stored form.
class SliceReader {
 public:
  SliceReader(const h5::File& file, const DatasetInfo& info)
      : file_(file),
        info_(info),
        pixels_(static_cast<std::size_t>(info.height) * info.width),
        bytes_(pixels_ * info.channels * size_of(info.element)) {}

  const std::vector<std::byte>& image(int slice) {
    h5::Shape count = image_shape(info_);
    count[0] = 1;
    file_.read("images", type_of(info_.element), {extent(slice), 0, 0, 0}, count, bytes_.data());
    return bytes_;
  }

  void labels(int slice, std::uint8_t* out) {
    file_.read("labels", H5T_STD_U8LE, {extent(slice), 0, 0},
               {1, extent(info_.height), extent(info_.width)}, out);
  }

  [[nodiscard]] std::size_t pixels() const { return pixels_; }

 private:
  const h5::File& file_;
  const DatasetInfo& info_;
  std::size_t pixels_;
  std::vector<std::byte> bytes_;
};

}  // namespace

std::vector<LabelGroup> default_label_groups(const std::vector<std::string>& label_names) {
  std::vector<LabelGroup> groups;
  LabelGroup all{.name = "T", .labels = {}};
  for (int label = 1; label < static_cast<int>(label_names.size()); ++label) {
    all.labels.push_back(label);
    groups.push_back({.name = label_names[label], .labels = {label}});
  }
  if (!all.labels.empty()) groups.insert(groups.begin(), std::move(all));
  return groups;
}

std::string write_dataset(const fs::path& path, const Dataset& dataset) {
  check_consistent(dataset);
  const DatasetInfo& info = dataset.info;
  const auto guard = h5::lock();
  AtomicFile target(path);
  h5::File file = h5::File::create(target.temporary(), path.string());
  const h5::Shape shape = image_shape(info);
  const h5::Shape chunk{1, shape[1], shape[2], shape[3]};
  file.create_array("images", type_of(info.element), shape, chunk);
  file.create_array("labels", H5T_STD_U8LE, {shape[0], shape[2], shape[3]},
                    {1, shape[2], shape[3]});
  ContentDigest digest(info);
  const std::size_t slice_size = dataset.images.size() / info.count;
  const std::size_t pixels = slice_size / info.channels;
  for (int n = 0; n < info.count; ++n) {
    const std::vector<std::byte> bytes =
        encode(std::span(dataset.images).subspan(n * slice_size, slice_size), info.element);
    digest.pixels(bytes);
    file.write("images", type_of(info.element), {extent(n), 0, 0, 0}, chunk, bytes.data());
    file.write("labels", H5T_STD_U8LE, {extent(n), 0, 0}, {1, shape[2], shape[3]},
               &dataset.labels[n * pixels]);
  }
  digest.pixels(std::as_bytes(std::span(dataset.labels)));
  std::string hex = digest.hex();
  write_metadata(file, info, hex);
  file.close();
  target.commit();
  return hex;
}

DatasetFile DatasetFile::open(const fs::path& path) {
  const auto guard = h5::lock();
  const h5::File file = h5::File::open(path);
  DatasetFile dataset;
  dataset.path_ = path;
  dataset.info_ = read_metadata(path, file);
  return dataset;
}

Slices DatasetFile::load(std::string_view split) const {
  if (split != "train" && split != "test") {
    throw_invalid(path_.string() + ": split \"" + std::string(split) +
                  "\" does not exist: use train or test");
  }
  Slices slices;
  slices.channels = info_.channels;
  slices.height = info_.height;
  slices.width = info_.width;
  slices.label_names = info_.label_names;
  slices.label_groups = info_.label_groups;
  slices.digest = info_.digest;
  std::vector<int> renumbered(info_.subjects.size(), -1);
  for (std::size_t i = 0; i < info_.subjects.size(); ++i) {
    if (info_.subjects[i].split != split) continue;
    renumbered[i] = static_cast<int>(slices.subject_ids.size());
    slices.subject_ids.push_back(info_.subjects[i].id);
  }
  std::vector<int> chosen;
  for (int n = 0; n < info_.count; ++n) {
    if (renumbered[info_.slice_subject[n]] >= 0) chosen.push_back(n);
  }
  if (chosen.empty()) {
    throw_invalid(path_.string() + ": split \"" + std::string(split) + "\" is empty");
  }
  slices.count = static_cast<int>(chosen.size());

  const auto guard = h5::lock();
  const h5::File file = h5::File::open(path_);
  SliceReader reader(file, info_);
  const std::size_t pixels = reader.pixels();
  slices.images.resize(chosen.size() * pixels * info_.channels);
  slices.labels.resize(chosen.size() * pixels);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const int source = info_.slice_subject[chosen[i]];
    const SubjectRecord& subject = info_.subjects[source];
    slices.subject.push_back(renumbered[source]);
    const std::span image =
        std::span(slices.images).subspan(i * pixels * info_.channels, pixels * info_.channels);
    decode(reader.image(chosen[i]), info_.element, image);
    for (int c = 0; c < info_.channels; ++c) {
      const double range = subject.maximum[c] - subject.minimum[c];
      for (float& value : image.subspan(c * pixels, pixels)) {
        const double scaled = value * subject.slope[c] + subject.intercept[c];
        value = std::clamp(static_cast<float>((scaled - subject.minimum[c]) / range), 0.0F, 1.0F);
      }
    }
    reader.labels(chosen[i], &slices.labels[i * pixels]);
  }
  return slices;
}

void DatasetFile::verify() const {
  const auto guard = h5::lock();
  const h5::File file = h5::File::open(path_);
  SliceReader reader(file, info_);
  ContentDigest digest(info_);
  for (int n = 0; n < info_.count; ++n) digest.pixels(reader.image(n));
  std::vector<std::uint8_t> labels(reader.pixels());
  for (int n = 0; n < info_.count; ++n) {
    reader.labels(n, labels.data());
    digest.pixels(std::as_bytes(std::span(labels)));
  }
  if (digest.hex() != info_.digest) {
    throw_corrupt(path_.string() + ": content does not match its content_digest");
  }
}

Slices load_split(const fs::path& path, std::string_view split) {
  return DatasetFile::open(path).load(split);
}

DatasetInfo info(const fs::path& path) { return DatasetFile::open(path).info(); }

void verify(const fs::path& path) { DatasetFile::open(path).verify(); }

}  // namespace reprise::datasets
