#include "datasets_h5/importer.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <set>

#include "sweep/digest.h"
#include "sweep/error.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// The options that shape the content, for provenance.
std::string options_json(const ImportOptions& options) {
  const SlicingRule& rule = options.slicing;
  json::object object;
  object["slice_axis"] = rule.slice_axis;
  object["size"] = json::array{rule.size[0], rule.size[1]};
  object["drop_empty_images"] = rule.drop_empty_images;
  object["label_sum_above"] = rule.label_sum_above;
  object["test_subjects"] =
      json::array(options.split.test_subjects.begin(), options.split.test_subjects.end());
  object["test_count"] = options.split.test_count;
  object["seed"] = options.split.seed;
  object["allow_missing_label"] = options.allow_missing_label;
  return json::serialize(object);
}

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
    std::string other = relative;
    other.replace(at, 4, to);
    if (fs::exists(root / other)) sources.push_back({other, sha256_file(root / other)});
  }
  return volume;
}

/// A volume that becomes float32 because the sources differ keeps its raw values and its scaling.
void append(Dataset& dataset, SlicedVolume volume, Element element, const ImportItem& item) {
  DatasetInfo& info = dataset.info;
  if (info.count == 0) {
    info.element = element;
    info.channels = static_cast<int>(volume.images.size());
    info.height = volume.height;
    info.width = volume.width;
  }
  info.element = promote(info.element, element);
  const std::string name = item.images.front();
  if (static_cast<int>(volume.images.size()) != info.channels) {
    throw_invalid(name + ": has " + std::to_string(volume.images.size()) + " channels, " +
                  "the first volume has " + std::to_string(info.channels));
  }
  if (volume.height != info.height || volume.width != info.width) {
    throw_invalid(name + ": slices are " + std::to_string(volume.height) + "x" +
                  std::to_string(volume.width) + ", those before it " +
                  std::to_string(info.height) + "x" + std::to_string(info.width) +
                  ": set a size to crop or pad to");
  }
  const std::size_t pixels = static_cast<std::size_t>(volume.height) * volume.width;
  for (int n = 0; n < volume.count; ++n) {
    for (const std::vector<float>& channel : volume.images) {
      const auto first = channel.begin() + static_cast<std::ptrdiff_t>(n * pixels);
      dataset.images.insert(dataset.images.end(), first,
                            first + static_cast<std::ptrdiff_t>(pixels));
    }
    info.slice_subject.push_back(static_cast<int>(info.subjects.size()));
  }
  dataset.labels.insert(dataset.labels.end(), volume.labels.begin(), volume.labels.end());
  info.count += volume.count;
  volume.subject.id = item.id;
  volume.subject.split = item.split;
  info.subjects.push_back(std::move(volume.subject));
}

void name_labels(Dataset& dataset, const ImportOptions& options) {
  DatasetInfo& info = dataset.info;
  info.label_names = options.label_names;
  if (info.label_names.empty()) {
    const int largest = *std::max_element(dataset.labels.begin(), dataset.labels.end());
    info.label_names.emplace_back("background");
    for (int label = 1; label <= largest; ++label) {
      info.label_names.push_back("label" + std::to_string(label));
    }
  }
  info.label_groups =
      options.label_groups.empty() ? default_label_groups(info.label_names) : options.label_groups;
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
    for (const int label : group.labels) {
      if (label > 0 && label < static_cast<int>(options.label_names.size())) continue;
      throw_invalid("label group \"" + group.name + "\": label " + std::to_string(label) +
                    " has no name among the label names");
    }
    if (group.name.empty() || group.labels.empty()) {
      throw_invalid("label group \"" + group.name + "\": needs a name and at least one label");
    }
  }
}

}  // namespace

ImportReport import_items(const std::string& importer, const fs::path& root,
                          const std::vector<ImportItem>& items, const ImportOptions& options,
                          const fs::path& out) {
  check_options(options);
  if (items.empty()) throw_invalid(root.string() + ": nothing to import");
  std::vector<std::string> ids;
  std::vector<std::string> splits;
  for (const ImportItem& item : items) {
    ids.push_back(item.id);
    splits.push_back(item.split);
  }
  if (std::set(ids.begin(), ids.end()).size() != ids.size()) {
    throw_invalid(root.string() + ": one subject id stands for two volumes");
  }
  check_no_leak(ids, splits);

  Dataset dataset;
  dataset.info.name = options.name.empty() ? out.stem().string() : options.name;
  dataset.info.importer = importer;
  dataset.info.options = options_json(options);
  const int labels_max =
      options.label_names.empty() ? 255 : static_cast<int>(options.label_names.size()) - 1;
  for (const ImportItem& item : items) {
    std::vector<Volume> channels;
    for (const std::string& image : item.images) {
      channels.push_back(read_source(root, image, dataset.info.sources));
    }
    Element element = channels.front().element;
    for (const Volume& channel : channels) element = promote(element, channel.element);
    Volume label;
    if (!item.label.empty()) label = read_source(root, item.label, dataset.info.sources);
    append(
        dataset,
        slice_volume(channels, item.label.empty() ? nullptr : &label, options.slicing, labels_max),
        element, item);
  }
  name_labels(dataset, options);

  ImportReport report;
  report.digest = write_dataset(out, dataset);
  report.channels = dataset.info.channels;
  report.height = dataset.info.height;
  report.width = dataset.info.width;
  for (const SubjectRecord& subject : dataset.info.subjects) {
    ++(subject.split == "test" ? report.test_subjects : report.train_subjects);
  }
  for (const int subject : dataset.info.slice_subject) {
    const bool test = dataset.info.subjects[subject].split == "test";
    ++(test ? report.test_slices : report.train_slices);
  }
  return report;
}

}  // namespace reprise::datasets
