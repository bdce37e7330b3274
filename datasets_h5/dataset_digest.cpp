#include "datasets_h5/dataset_digest.h"

#include <cstring>

namespace reprise::datasets {

ContentDigest::ContentDigest(const DatasetInfo& info) {
  field("format", "reprise-dataset " + std::to_string(kFormatVersion));
  field("name", info.name);
  field("importer", info.importer);
  field("options", info.options);
  for (const std::string& name : info.label_names) field("label", name);
  for (const LabelGroup& group : info.label_groups) {
    std::string labels;
    for (const int label : group.labels) labels += std::to_string(label) + ",";
    field("group", group.name);
    field("labels", labels);
  }
  for (const SourceFile& source : info.sources) {
    field("source", source.path);
    field("sha256", source.sha256);
  }
  for (const SubjectRecord& subject : info.subjects) {
    field("subject", subject.id);
    field("split", subject.split);
    numbers("slope", subject.slope);
    numbers("intercept", subject.intercept);
    numbers("minimum", subject.minimum);
    numbers("maximum", subject.maximum);
    numbers("voxel_mm", {subject.voxel_mm.begin(), subject.voxel_mm.end()});
  }
  std::string slices;
  for (const int subject : info.slice_subject) slices += std::to_string(subject) + ",";
  field("slice_subject", slices);
  field("element", to_string(info.element));
  for (const int side : {info.count, info.channels, info.height, info.width}) {
    field("side", std::to_string(side));
  }
}

void ContentDigest::field(std::string_view name, std::string_view bytes) {
  // The length keeps two different lists of fields from spelling the same bytes.
  sha_.update(std::string(name) + ":" + std::to_string(bytes.size()) + ":");
  sha_.update(bytes);
}

void ContentDigest::numbers(std::string_view name, const std::vector<double>& values) {
  std::string bytes(values.size() * sizeof(double), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  field(name, bytes);
}

}  // namespace reprise::datasets
