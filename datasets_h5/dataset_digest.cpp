#include "datasets_h5/dataset_digest.h"

#include <cstring>
#include <string_view>
#include <vector>

#include "sweep/digest.h"

namespace reprise::datasets {
namespace {

class FieldDigest {
 public:
  void field(std::string_view name, std::string_view bytes) {
    // The length keeps two different lists of fields from spelling the same bytes.
    sha_.update(std::string(name) + ":" + std::to_string(bytes.size()) + ":");
    sha_.update(bytes);
  }

  void numbers(std::string_view name, const std::vector<double>& values) {
    std::string bytes(values.size() * sizeof(double), '\0');
    std::memcpy(bytes.data(), values.data(), bytes.size());
    field(name, bytes);
  }

  std::string hex() { return sha_.hex(); }

 private:
  Sha256 sha_;
};

}  // namespace

std::string content_digest(const DatasetInfo& info, const std::string& images_sha256,
                           const std::string& labels_sha256) {
  FieldDigest digest;
  digest.field("format", "reprise-dataset " + std::to_string(kFormatVersion));
  digest.field("name", info.name);
  digest.field("importer", info.importer);
  digest.field("options", info.options);
  for (const std::string& name : info.label_names) digest.field("label", name);
  for (const LabelGroup& group : info.label_groups) {
    std::string labels;
    for (const int label : group.labels) labels += std::to_string(label) + ",";
    digest.field("group", group.name);
    digest.field("labels", labels);
  }
  for (const SourceFile& source : info.sources) {
    digest.field("source", source.path);
    digest.field("sha256", source.sha256);
  }
  for (const SubjectRecord& subject : info.subjects) {
    digest.field("subject", subject.id);
    digest.field("split", subject.split);
    digest.numbers("slope", subject.slope);
    digest.numbers("intercept", subject.intercept);
    digest.numbers("minimum", subject.minimum);
    digest.numbers("maximum", subject.maximum);
    digest.numbers("voxel_mm", {subject.voxel_mm.begin(), subject.voxel_mm.end()});
  }
  std::string slices;
  for (const int subject : info.slice_subject) slices += std::to_string(subject) + ",";
  digest.field("slice_subject", slices);
  digest.field("element", to_string(info.element));
  for (const int side : {info.count, info.channels, info.height, info.width}) {
    digest.field("side", std::to_string(side));
  }
  digest.field("images", images_sha256);
  digest.field("labels", labels_sha256);
  return digest.hex();
}

}  // namespace reprise::datasets
