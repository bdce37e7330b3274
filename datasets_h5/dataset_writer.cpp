#include "datasets_h5/dataset_writer.h"

#include "datasets_h5/dataset_digest.h"
#include "datasets_h5/dataset_metadata.h"
#include "sweep/error.h"

namespace reprise::datasets {
namespace {

h5::File create(const AtomicFile& target, const std::filesystem::path& path) {
  const auto guard = h5::lock();
  return h5::File::create(target.temporary(), path.string());
}

}  // namespace

DatasetWriter::DatasetWriter(const std::filesystem::path& path, const DatasetInfo& frame)
    : path_(path), target_(path), file_(create(target_, path)), frame_(frame) {
  REPRISE_CHECK(frame.channels > 0 && frame.height > 0 && frame.width > 0);
  const auto guard = h5::lock();
  const hsize_t height = extent(frame.height);
  const hsize_t width = extent(frame.width);
  file_.create_growing_array("images", type_of(frame.element),
                             {1, extent(frame.channels), height, width});
  file_.create_growing_array("labels", H5T_STD_U8LE, {1, height, width});
}

void DatasetWriter::append(std::span<const std::byte> images,
                           std::span<const std::uint8_t> labels) {
  const std::size_t pixels = static_cast<std::size_t>(frame_.height) * frame_.width;
  const std::size_t slice = pixels * frame_.channels * size_of(frame_.element);
  REPRISE_CHECK(labels.size() % pixels == 0 && images.size() == labels.size() / pixels * slice);
  const int added = static_cast<int>(labels.size() / pixels);
  images_sha_.update(images);
  labels_sha_.update(std::as_bytes(labels));
  const auto guard = h5::lock();
  const hsize_t total = extent(count_ + added);
  file_.grow("images", total);
  file_.grow("labels", total);
  const hsize_t height = extent(frame_.height);
  const hsize_t width = extent(frame_.width);
  for (int n = 0; n < added; ++n, ++count_) {
    file_.write("images", type_of(frame_.element), {extent(count_), 0, 0, 0},
                {1, extent(frame_.channels), height, width}, images.data() + n * slice);
    file_.write("labels", H5T_STD_U8LE, {extent(count_), 0, 0}, {1, height, width},
                labels.data() + n * pixels);
  }
}

std::string DatasetWriter::finish(const DatasetInfo& info) {
  REPRISE_CHECK(count_ > 0 && info.count == count_ && info.element == frame_.element);
  REPRISE_CHECK(info.channels == frame_.channels && info.height == frame_.height &&
                info.width == frame_.width && !info.subjects.empty());
  REPRISE_CHECK(info.slice_subject.size() == static_cast<std::size_t>(info.count));
  std::string digest = content_digest(info, images_sha_.hex(), labels_sha_.hex());
  const auto guard = h5::lock();
  write_metadata(file_, info, digest);
  file_.close();
  target_.commit();
  return digest;
}

std::string write_dataset(const std::filesystem::path& path, const Dataset& dataset) {
  const DatasetInfo& info = dataset.info;
  const std::size_t pixels = static_cast<std::size_t>(info.count) * info.height * info.width;
  REPRISE_CHECK(dataset.images.size() == pixels * info.channels);
  REPRISE_CHECK(dataset.labels.size() == pixels);
  DatasetWriter writer(path, info);
  writer.append(encode(dataset.images, info.element), dataset.labels);
  return writer.finish(info);
}

}  // namespace reprise::datasets
