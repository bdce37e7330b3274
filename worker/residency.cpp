#include "worker/residency.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "sweep/error.h"
#include "worker/shared_window.h"
#include "worker/stage_body.h"

namespace reprise::worker {
namespace {

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
  const std::shared_ptr<std::byte[]> bytes(new std::byte[sizes.total()]);
  const std::span<std::byte> all(bytes.get(), sizes.total());
  fill(reader, all.first(sizes.images), all.subspan(sizes.images));
  return tensors_over(reader.frame(), all.first(sizes.images), all.subspan(sizes.images), bytes);
}

/// Gives up the window before it throws, as all ranks of the node do.
SliceTensors read_into_window(const datasets::SplitReader& reader,
                              std::shared_ptr<SharedWindow> window) {
  const Sizes sizes(reader.frame());
  const auto images = window->bytes().first(sizes.images);
  const auto labels = window->bytes().subspan(sizes.images, sizes.labels);
  std::optional<Error> error;
  if (window->is_leader()) {
    try {
      fill(reader, images, labels);
    } catch (const std::exception&) {
      error = current_error();  // The others wait for us: tell them first.
    }
  }
  if (window->publish(!error)) return tensors_over(reader.frame(), images, labels, window);
  window.reset();
  throw error.value_or(
      Error(ErrorCode::Unavailable, "the node's first rank could not read the data"));
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

/// "OAS1_0001 slice 12": the slice's place among the subject's in this split.
std::vector<std::string> slice_names(const datasets::Slices& frame) {
  std::vector<std::string> names;
  std::vector<std::int64_t> seen(frame.subject_ids.size());
  for (const int subject : frame.subject) {
    names.push_back(frame.subject_ids.at(subject) + " slice " + std::to_string(seen[subject]++));
  }
  return names;
}

}  // namespace

void SliceCache::make_room(std::size_t bytes, const DataLimits& limits, bool on_device) {
  DataLimits taken;
  for (const auto& [name, split] : splits_) {
    taken.device += split.taken.device;
    taken.host += split.taken.host;
  }
  const bool fits = on_device && bytes <= limits.device ? taken.device + bytes <= limits.device
                                                        : taken.host + bytes <= limits.host;
  if (!fits) splits_.clear();
}

ResidentSplit SliceCache::make(datasets::SplitReader reader, const DataLimits& limits,
                               bool on_device) const {
  ResidentSplit split{.frame = reader.frame(), .tensors = {}, .where = "memory"};
  const std::size_t bytes = Sizes(split.frame).total();
  if (on_device && bytes <= limits.device) {
    // Through the CPU's memory, which is let go again.
    split.tensors = read_into_memory(reader);
    split.tensors.images = split.tensors.images.to(device_);
    split.tensors.labels = split.tensors.labels.to(device_);
    split.where = "device";
    split.taken.device = bytes;
  } else {
    // Every rank of a node comes to the same decision: a window is made by all of them.
    const int ranks = ranks_on_node();
    std::shared_ptr<SharedWindow> window;
    if (ranks > 1 && bytes <= limits.host) window = SharedWindow::make(bytes);
    if (window) {
      split.tensors = read_into_window(reader, std::move(window));
      split.where = "node";
      split.taken.host = bytes;
    } else if (bytes <= limits.host / ranks) {
      split.tensors = read_into_memory(reader);
      split.taken.host = bytes * ranks;
    } else {
      split.tensors.stream = std::make_shared<SliceStream>(std::move(reader), limits.host / ranks);
      split.where = "file";
      split.taken.host = limits.host;
    }
  }
  split.tensors.names = slice_names(split.frame);
  return split;
}

const ResidentSplit& SliceCache::load(const std::filesystem::path& path, const std::string& digest,
                                      const std::string& split, bool on_device,
                                      Collective& collective) {
  on_device = on_device && device_.is_cuda();
  if (digest != digest_) splits_.clear();
  digest_ = digest;
  const auto found = splits_.find(split);
  if (found != splits_.end()) return found->second;
  std::optional<datasets::SplitReader> reader;
  agree(collective, [&] {
    reader.emplace(datasets::DatasetFile::open(path), split);
    if (reader->frame().digest != digest) {
      throw_corrupt(path.string() + ": content digest is not " + digest +
                    ": the data set was changed after the study was submitted");
    }
  });
  // Counted now: gangs that started together could not see each other then.
  const DataLimits limits = least_limits(among_gangs(limits_, gangs_on_node()), collective);
  make_room(Sizes(reader->frame()).total(), limits, on_device);
  ResidentSplit made;
  agree(collective, [&] { made = make(std::move(*reader), limits, on_device); });
  return splits_.emplace(split, std::move(made)).first->second;
}

}  // namespace reprise::worker
