#include "datasets_h5/importer.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <set>
#include <thread>

#include "datasets_h5/dataset_writer.h"
#include "datasets_h5/parallel.h"
#include "sweep/digest.h"
#include "sweep/error.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// The options that shape the content, for provenance.
std::string options_json(const ImportOptions& options) {
  const SlicingRule& rule = options.slicing;
  json::object values;
  for (const auto& [from, to] : rule.label_values) values[std::to_string(from)] = to;
  return json::serialize(json::object{
      {"slice_axis", rule.slice_axis},
      {"size", json::array{rule.size[0], rule.size[1]}},
      {"drop_empty_images", rule.drop_empty_images},
      {"label_sum_above", rule.label_sum_above},
      {"label_values", std::move(values)},
      {"split", fs::path(options.split.method).filename().string()},
      {"test_subjects",
       json::array(options.split.test_subjects.begin(), options.split.test_subjects.end())},
      {"test_count", options.split.test_count},
      {"seed", options.split.seed},
      {"allow_missing_label", options.allow_missing_label}});
}

void check_options(const ImportOptions& options) {
  const SlicingRule& rule = options.slicing;
  if (rule.slice_axis < 0 || rule.slice_axis > 2) {
    throw_invalid("slice axis " + std::to_string(rule.slice_axis) + ": must be 0, 1 or 2");
  }
  for (const int side : rule.size) {
    if (side < 0 || side > 8192) {
      throw_invalid("size " + std::to_string(side) + ": must be 0 (keep) to 8192");
    }
  }
  if (options.label_names.size() > 256) throw_invalid("more than 256 label names");
  for (const LabelGroup& group : options.label_groups) {
    if (group.name.empty() || group.labels.empty()) {
      throw_invalid("label group \"" + group.name + "\": needs a name and at least one label");
    }
    for (const int label : group.labels) {
      if (label > 0 && label < static_cast<int>(options.label_names.size())) continue;
      throw_invalid("label group \"" + group.name + "\": label " + std::to_string(label) +
                    " has no name among the label names");
    }
  }
}

/// What can be known of an item without reading its voxels.
struct ScannedItem {
  Element element = Element::UInt8;
  int channels = 0;
  int height = 0;
  int width = 0;
  std::string orientation;
};

void check_same_grid(const VolumeHeader& first, const VolumeHeader& other) {
  if (other.dims != first.dims) {
    throw_invalid(other.path.string() + ": shape " + other.shape() + " differs from " +
                  first.path.string() + " with shape " + first.shape());
  }
  if (!first.orientation.empty() && !other.orientation.empty() &&
      first.orientation != other.orientation) {
    throw_invalid(other.path.string() + ": its axes point " + other.orientation + ", those of " +
                  first.path.string() + " point " + first.orientation +
                  ": one of them is flipped or turned");
  }
}

ScannedItem scan(const fs::path& root, const ImportItem& item, const SlicingRule& rule) {
  const VolumeHeader first = read_header(root / item.images.front());
  ScannedItem scanned;
  scanned.element = first.element;
  scanned.channels = static_cast<int>(item.images.size());
  scanned.orientation = first.orientation;
  const auto check = [&](const std::string& name) {
    const VolumeHeader header = read_header(root / name);
    check_same_grid(first, header);
    return header;
  };
  for (std::size_t c = 1; c < item.images.size(); ++c) {
    scanned.element = promote(scanned.element, check(item.images[c]).element);
  }
  if (!item.label.empty()) check(item.label);
  const auto [height, width] = sliced_size(first, rule);
  scanned.height = height;
  scanned.width = width;
  return scanned;
}

/// The frame that every slice has, and the orientations met.
DatasetInfo common_frame(const std::vector<ImportItem>& items, const std::vector<ScannedItem>& all,
                         const ImportOptions& options, ImportReport& report) {
  DatasetInfo info;
  info.element = all.front().element;
  info.channels = all.front().channels;
  info.height = all.front().height;
  info.width = all.front().width;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const ScannedItem& item = all[i];
    const std::string& name = items[i].images.front();
    info.element = promote(info.element, item.element);
    if (item.channels != info.channels) {
      throw_invalid(name + ": has " + std::to_string(item.channels) + " channels, " +
                    "the first volume has " + std::to_string(info.channels));
    }
    if (item.height != info.height || item.width != info.width) {
      throw_invalid(name + ": slices are " + std::to_string(item.height) + "x" +
                    std::to_string(item.width) + ", those before it " +
                    std::to_string(info.height) + "x" + std::to_string(info.width) +
                    ": set a size to crop or pad to");
    }
    ++report.orientations[item.orientation];
    const std::string& first = all.front().orientation;
    if (!options.allow_mixed_orientation && item.orientation != first) {
      const auto shown = [](const std::string& code) {
        return code.empty() ? std::string("nowhere known") : code;
      };
      throw_invalid(name + ": its axes point " + shown(item.orientation) + ", those of " +
                    items.front().images.front() + " point " + shown(first) +
                    ": turn them alike, or take them as they are (--allow-mixed-orientation; in a "
                    "study mixed_orientation = true)");
    }
  }
  return info;
}

/// One subject, ready to be appended.
struct ReadItem {
  SlicedVolume sliced;
  std::vector<std::byte> images;
  std::vector<SourceFile> sources;
};

/// Reads a volume and notes the files that it came from.
Volume read_source(const fs::path& root, const std::string& relative,
                   std::vector<SourceFile>& sources) {
  const fs::path path = root / relative;
  Volume volume = read_volume(path);
  sources.push_back({relative, sha256_file(path)});
  // The other half of a pair is a source as well.
  for (const auto& [from, to] : {std::pair(".hdr", ".img"), std::pair(".img", ".hdr")}) {
    const std::size_t at = relative.rfind(from);
    if (at == std::string::npos || at + 7 < relative.size()) continue;
    for (const char* suffix : {"", ".gz"}) {
      std::string other = relative.substr(0, at) + to + suffix;
      if (fs::exists(root / other)) sources.push_back({other, sha256_file(root / other)});
    }
  }
  return volume;
}

ReadItem read_item(const fs::path& root, const ImportItem& item, const ImportOptions& options,
                   Element element) {
  ReadItem read;
  std::vector<Volume> channels;
  for (const std::string& image : item.images) {
    channels.push_back(read_source(root, image, read.sources));
  }
  Volume label;
  if (!item.label.empty()) label = read_source(root, item.label, read.sources);
  const int labels_max =
      options.label_names.empty() ? 255 : static_cast<int>(options.label_names.size()) - 1;
  read.sliced =
      slice_volume(channels, item.label.empty() ? nullptr : &label, options.slicing, labels_max);
  read.sliced.subject.id = item.id;
  read.sliced.subject.split = item.split;
  // A volume that becomes float32 because others differ keeps its raw values and its scaling.
  read.images = encode(read.sliced.images, element);
  read.sliced.images = {};
  return read;
}

void name_labels(DatasetInfo& info, const ImportOptions& options, int largest_label) {
  info.label_names = options.label_names;
  if (info.label_names.empty()) {
    info.label_names.emplace_back("background");
    for (int label = 1; label <= largest_label; ++label) {
      info.label_names.push_back("label" + std::to_string(label));
    }
  }
  info.label_groups =
      options.label_groups.empty() ? default_label_groups(info.label_names) : options.label_groups;
}

/// Splits what has no split and drops what the split leaves out.
void divide(const std::string& importer, std::vector<ImportItem>& items,
            const ImportOptions& options, ImportReport& report) {
  std::vector<std::string> ids;
  for (const ImportItem& item : items) ids.push_back(item.id);
  if (std::set(ids.begin(), ids.end()).size() != ids.size()) {
    std::sort(ids.begin(), ids.end());
    throw_invalid(*std::adjacent_find(ids.begin(), ids.end()) +
                  ": this subject id stands for two volumes");
  }
  if (!items.front().split.empty()) {
    std::vector<std::string> splits;
    for (const ImportItem& item : items) splits.push_back(item.split);
    if (options.split.method != "auto" || options.split.test_count > 0 ||
        !options.split.test_subjects.empty()) {
      throw_invalid("the list has splits of its own, and another split was asked for as well");
    }
    check_no_leak(ids, splits);
    report.split_origin = "the list's";
    return;
  }
  const SplitResult result = assign_splits(importer, ids, options.split);
  report.split_origin = result.origin;
  report.left_out = result.left_out;
  report.missing = result.missing;
  for (std::size_t i = 0; i < items.size(); ++i) items[i].split = result.splits[i];
  std::erase_if(items, [](const ImportItem& item) { return item.split.empty(); });
}

void count(const DatasetInfo& info, ImportReport& report) {
  std::set<std::string> seen;
  for (const SubjectRecord& subject : info.subjects) {
    if (!seen.insert(subject.id.substr(0, subject.id.find('#'))).second) continue;
    ++(subject.split == "test" ? report.test_subjects : report.train_subjects);
  }
  for (const int subject : info.slice_subject) {
    const bool test = info.subjects[subject].split == "test";
    ++(test ? report.test_slices : report.train_slices);
  }
  report.channels = info.channels;
  report.height = info.height;
  report.width = info.width;
}

int thread_count(int wanted) {
  return wanted > 0 ? wanted
                    : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 8);
}

}  // namespace

ImportReport import_items(const std::string& importer, const fs::path& root,
                          std::vector<ImportItem> items, const ImportOptions& options,
                          const fs::path& out) {
  check_options(options);
  if (items.empty()) throw_invalid(root.string() + ": nothing to import");
  ImportReport report;
  report.importer = importer;
  divide(importer, items, options, report);

  const int total = static_cast<int>(items.size());
  const int threads = thread_count(options.threads);
  std::vector<ScannedItem> scanned;
  ordered_parallel(
      total, threads, [&](int i) { return scan(root, items[i], options.slicing); },
      [&](int, ScannedItem item) { scanned.push_back(std::move(item)); });
  DatasetInfo info = common_frame(items, scanned, options, report);
  info.name = options.name.empty() ? out.stem().string() : options.name;
  info.importer = importer;
  info.options = options_json(options);

  DatasetWriter writer(out, info);
  int largest_label = 0;
  ordered_parallel(
      total, threads, [&](int i) { return read_item(root, items[i], options, info.element); },
      [&](int i, ReadItem read) {
        writer.append(read.images, read.sliced.labels);
        largest_label = std::max<int>(
            largest_label, *std::max_element(read.sliced.labels.begin(), read.sliced.labels.end()));
        info.slice_subject.insert(info.slice_subject.end(), read.sliced.count,
                                  static_cast<int>(info.subjects.size()));
        info.count += read.sliced.count;
        info.subjects.push_back(std::move(read.sliced.subject));
        std::move(read.sources.begin(), read.sources.end(), std::back_inserter(info.sources));
        options.progress(i + 1, total);
      });
  name_labels(info, options, largest_label);
  report.digest = writer.finish(info);
  count(info, report);
  return report;
}

}  // namespace reprise::datasets
