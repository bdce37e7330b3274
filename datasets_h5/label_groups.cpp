#include <algorithm>

#include "datasets_h5/importer.h"
#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::datasets {

void add_label_group(ImportOptions& options, const std::string& name,
                     const std::vector<std::string>& labels) {
  const std::vector<std::string>& known = options.label_names;
  LabelGroup added{.name = name, .labels = {}};
  for (const std::string& label : labels) {
    const auto found = std::find(known.begin(), known.end(), label);
    if (found == known.end() || found == known.begin()) {
      throw_invalid("label group \"" + name + "\": \"" + label + "\" is no label name" +
                    sweep::nearest_hint(label, known));
    }
    added.labels.push_back(static_cast<int>(found - known.begin()));
  }
  std::sort(added.labels.begin(), added.labels.end());
  added.labels.erase(std::unique(added.labels.begin(), added.labels.end()), added.labels.end());
  if (name.empty() || added.labels.empty()) {
    throw_invalid("label group \"" + name + "\": needs a name and at least one label");
  }
  std::vector<LabelGroup>& groups = options.label_groups;
  if (groups.empty()) groups = default_label_groups(known);
  std::erase_if(groups, [&](const LabelGroup& group) { return group.name == name; });
  groups.push_back(std::move(added));
}

}  // namespace reprise::datasets
