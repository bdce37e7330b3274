#include "orchestrator/cli/import_options.h"

#include <utility>

#include "datasets_h5/phantom.h"

namespace reprise::cli {

std::string importer_of(const sweep::DatasetSpec& spec) {
  return spec.importer == "phantom" ? datasets::phantom_kind(spec.kind).importer : spec.importer;
}

datasets::ImportOptions import_options(const sweep::DatasetSpec& spec) {
  datasets::ImportOptions options;
  if (spec.importer == "generic") {
    options.slicing.slice_axis = static_cast<int>(spec.slice_axis);
    options.slicing.label_sum_above = spec.labelled_slices_only ? 0 : -1;
    options.allow_mixed_orientation = spec.mixed_orientation;
  } else {
    options = datasets::reader(importer_of(spec)).options;
  }
  options.name = spec.name;
  options.slicing.size = {static_cast<int>(spec.height), static_cast<int>(spec.width)};
  if (!spec.label_names.empty()) {
    const std::vector<std::string> usual = std::exchange(options.label_names, {"background"});
    options.label_names.insert(options.label_names.end(), spec.label_names.begin(),
                               spec.label_names.end());
    if (options.label_names != usual) options.label_groups.clear();
  }
  for (const auto& [group, labels] : spec.label_groups) {
    datasets::add_label_group(options, group, labels);
  }
  options.split.method = spec.split;
  options.split.test_count = static_cast<int>(spec.test_subjects);
  options.split.seed = static_cast<std::uint64_t>(spec.seed);
  return options;
}

}  // namespace reprise::cli
