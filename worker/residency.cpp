#include "worker/residency.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "sweep/error.h"
#include "worker/device_memory.h"
#include "worker/stage_body.h"

namespace reprise::worker {
namespace {

std::size_t available_host_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::size_t kib = 0;
  std::string unit;
  while (file >> key >> kib && std::getline(file, unit)) {
    if (key == "MemAvailable:") return kib << 10U;
  }
  return 0;
}

std::size_t asked_bytes() {
  const char* text = std::getenv("REPRISE_DATA_MEMORY_MIB");
  if (text == nullptr) return SIZE_MAX;
  const std::string_view all(text);
  std::size_t mib = 0;
  const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), mib);
  if (error != std::errc{} || end != all.data() + all.size() || mib > (SIZE_MAX >> 20U)) {
    throw_invalid("REPRISE_DATA_MEMORY_MIB=" + std::string(all) + ": must be a number of MiB");
  }
  return mib << 20U;
}

struct Sizes {
  std::size_t images, labels;
  explicit Sizes(const datasets::Slices& frame)
      : images(static_cast<std::size_t>(frame.count) * frame.channels * frame.height * frame.width *
               sizeof(float)),
        labels(static_cast<std::size_t>(frame.count) * frame.height * frame.width) {}
  [[nodiscard]] std::size_t total() const { return images + labels; }
};

/// Reads all slices into [images, labels] as `Sizes` says.
void fill(const datasets::SplitReader& reader, std::span<std::byte> images,
          std::span<std::byte> labels) {
  const int count = reader.frame().count;
  const std::size_t image = images.size() / sizeof(float) / count;
  const std::size_t label = labels.size() / count;
  auto* const pixels = reinterpret_cast<float*>(images.data());
  auto* const classes = reinterpret_cast<std::uint8_t*>(labels.data());
  for (int slice = 0; slice < count; ++slice) {
    reader.read(slice, {pixels + slice * image, image}, {classes + slice * label, label});
  }
}

SliceTensors tensors_over(const datasets::Slices& frame, std::span<std::byte> images,
                          std::span<std::byte> labels, const std::shared_ptr<void>& owner) {
  const auto keep = [owner](void*) {};
  return {.images = torch::from_blob(images.data(),
                                     {frame.count, frame.channels, frame.height, frame.width}, keep,
                                     torch::kFloat32),
          .labels = torch::from_blob(labels.data(), {frame.count, frame.height, frame.width}, keep,
                                     torch::kUInt8)};
}

SliceTensors read_into_memory(const datasets::SplitReader& reader) {
  const Sizes sizes(reader.frame());
  const auto bytes = std::make_shared<std::vector<std::byte>>(sizes.total());
  const auto images = std::span(*bytes).first(sizes.images);
  const auto labels = std::span(*bytes).subspan(sizes.images);
  fill(reader, images, labels);
  return tensors_over(reader.frame(), images, labels, bytes);
}

SliceTensors read_into_window(const datasets::SplitReader& reader,
                              std::shared_ptr<SharedWindow> window) {
  const Sizes sizes(reader.frame());
  const auto images = window->bytes().first(sizes.images);
  const auto labels = window->bytes().subspan(sizes.images, sizes.labels);
  std::exception_ptr error;
  if (window->is_leader()) {
    try {
      fill(reader, images, labels);
    } catch (const std::exception&) {
      error = std::current_exception();  // The others wait for us: tell them first.
    }
  }
  const bool good = window->publish(!error);
  if (error) std::rethrow_exception(error);
  if (!good) throw Error(ErrorCode::Unavailable, "the node's first rank could not read the data");
  return tensors_over(reader.frame(), images, labels, window);
}

/// The least that any rank of the gang has, so that all decide alike.
DataLimits least_limits(const DataLimits& mine, const Collective& collective) {
  const auto least = [&](std::size_t value) {
    for (const auto& text : collective.gather_text(std::to_string(value))) {
      value = std::min<std::size_t>(value, std::stoull(text));
    }
    return static_cast<std::size_t>(
        std::stoull(collective.broadcast_text(std::to_string(value), 0)));
  };
  return {.device = least(mine.device), .host = least(mine.host)};
}

}  // namespace

DataLimits default_limits(const torch::Device& device) {
  const std::size_t asked = asked_bytes();
  return {.device = device.is_cuda() ? std::min(asked, free_device_bytes() / 2) : 0,
          .host = std::min(asked, available_host_bytes() / 2)};
}

ResidentSplit SliceCache::make(datasets::SplitReader reader, const DataLimits& limits,
                               bool on_device) const {
  ResidentSplit split{.frame = reader.frame(), .tensors = {}, .where = "memory"};
  std::vector<std::string> names;
  std::vector<int> seen(split.frame.subject_ids.size());
  for (const int subject : split.frame.subject) {
    names.push_back(split.frame.subject_ids[subject] + " slice " + std::to_string(seen[subject]++));
  }
  const std::size_t bytes = Sizes(split.frame).total();
  const bool fits_node = bytes <= limits.host;
  const bool wants_device = on_device && device_.is_cuda() && bytes <= limits.device;
  // Every rank of a node comes to the same decision: a window is made by all of them.
  const int ranks = fits_node && !wants_device ? ranks_on_node() : 1;
  std::shared_ptr<SharedWindow> window;
  if (ranks > 1) window = SharedWindow::make(bytes);
  if (window) {
    split.tensors = read_into_window(reader, window);
    split.where = "node";
  } else if (fits_node && bytes <= limits.host / ranks) {
    split.tensors = read_into_memory(reader);
  } else {
    split.tensors.stream =
        std::make_shared<SliceStream>(std::move(reader), limits.host / std::max(ranks, 1));
    split.where = "file";
  }
  if (wants_device && split.tensors.images.defined()) {
    split.tensors.images = split.tensors.images.to(device_);
    split.tensors.labels = split.tensors.labels.to(device_);
    split.where = "device";
  }
  split.tensors.names = std::move(names);
  return split;
}

const ResidentSplit& SliceCache::load(const std::filesystem::path& path, const std::string& digest,
                                      const std::string& split, bool on_device,
                                      Collective& collective) {
  const std::string key = split + (on_device && device_.is_cuda() ? " on device" : "");
  if (digest != digest_) splits_.clear();
  digest_ = digest;
  const auto found = splits_.find(key);
  if (found != splits_.end()) return found->second;
  std::optional<datasets::SplitReader> reader;
  agree(collective, [&] {
    reader.emplace(datasets::DatasetFile::open(path), split);
    if (reader->frame().digest != digest) {
      throw_corrupt(path.string() + ": content digest is not " + digest +
                    ": the data set was changed after the study was submitted");
    }
  });
  const DataLimits limits = least_limits(limits_, collective);
  ResidentSplit made;
  agree(collective, [&] { made = make(std::move(*reader), limits, on_device); });
  return splits_.emplace(key, std::move(made)).first->second;
}

}  // namespace reprise::worker
