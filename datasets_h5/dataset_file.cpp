#include "datasets_h5/dataset_file.h"

#include <algorithm>

#include "datasets_h5/dataset_digest.h"
#include "datasets_h5/dataset_metadata.h"
#include "datasets_h5/h5.h"
#include "datasets_h5/split_reader.h"
#include "sweep/digest.h"
#include "sweep/error.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

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

DatasetFile DatasetFile::open(const fs::path& path) {
  const auto guard = h5::lock();
  const h5::File file = h5::File::open(path);
  DatasetFile dataset;
  dataset.path_ = path;
  dataset.info_ = read_metadata(path, file);
  return dataset;
}

void DatasetFile::verify() const {
  const auto guard = h5::lock();
  const h5::File file = h5::File::open(path_);
  SliceReader reader(file, info_);
  Sha256 images_sha;
  for (int n = 0; n < info_.count; ++n) images_sha.update(reader.image(n));
  Sha256 labels_sha;
  std::vector<std::uint8_t> labels(reader.pixels());
  for (int n = 0; n < info_.count; ++n) {
    reader.labels(n, labels.data());
    labels_sha.update(std::as_bytes(std::span(labels)));
  }
  if (content_digest(info_, images_sha.hex(), labels_sha.hex()) != info_.digest) {
    throw_corrupt(path_.string() + ": content does not match its content_digest");
  }
}

DatasetInfo info(const fs::path& path) { return DatasetFile::open(path).info(); }

void verify(const fs::path& path) { DatasetFile::open(path).verify(); }

}  // namespace reprise::datasets
