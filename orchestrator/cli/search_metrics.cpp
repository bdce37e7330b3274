#include "orchestrator/cli/search_metrics.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "datasets_h5/channel_names.h"
#include "datasets_h5/dataset_file.h"
#include "orchestrator/cli/import_options.h"
#include "orchestrator/cli/prepare.h"
#include "sweep/error.h"

namespace reprise::cli {
namespace {

/// What an evaluation on a data set can look at. Absent parts are known only after the import.
struct Measurable {
  std::optional<std::int64_t> channels;
  std::optional<std::vector<datasets::LabelGroup>> groups;
};

Measurable measurable(const sweep::DatasetSpec& spec, const std::filesystem::path& workspace) {
  PreparedDataset prepared;
  if (find_dataset(spec, workspace, prepared)) {
    datasets::DatasetInfo info = datasets::info(prepared.path);
    return {.channels = info.channels, .groups = std::move(info.label_groups)};
  }
  const datasets::ImportOptions options = import_options(spec);
  Measurable known;
  if (spec.importer != "generic") known.channels = importer_of(spec) == "brats" ? 4 : 1;
  if (!options.label_groups.empty()) {
    known.groups = options.label_groups;
  } else if (!options.label_names.empty()) {
    known.groups = datasets::default_label_groups(options.label_names);
  }
  return known;
}

/// The metrics of a trial; one that ends with "-..." stands for names that are not known yet.
std::vector<std::string> metrics_of(const sweep::Study& study, const sweep::TrialSpec& trial,
                                    const Measurable& data) {
  std::vector<std::string> names{"PSNR", "SSIM"};
  if (!data.channels) {
    names.insert(names.end(), {"PSNR-...", "SSIM-..."});
  } else if (*data.channels > 1) {
    for (const std::string& channel : datasets::channel_names(*data.channels)) {
      names.push_back("PSNR-" + channel);
      names.push_back("SSIM-" + channel);
    }
  }
  if (trial.segmented && !data.groups) names.emplace_back("Dice-...");
  if (trial.segmented && data.groups) {
    for (const datasets::LabelGroup& group : *data.groups) names.push_back("Dice-" + group.name);
  }
  if (study.weights.contains("inception")) names.emplace_back("FID");
  return names;
}

bool is_one_of(const std::string& metric, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const bool is_open = name.ends_with("-...");
    return is_open ? metric.starts_with(name.substr(0, name.size() - 3)) : metric == name;
  });
}

void check(const sweep::Study& study, const sweep::StudySearch& search,
           const sweep::TrialSpec& trial, const std::filesystem::path& workspace) {
  const auto names = metrics_of(study, trial, measurable(study.dataset(trial.dataset), workspace));
  if (is_one_of(search.metric, names)) return;
  std::string valid = "validation";
  for (const std::string& name : names) valid += ", " + name;
  throw_invalid(search.metric_place.text() + ": search.metric = \"" + search.metric +
                "\": trials on data set " + trial.dataset +
                " are not measured by it; valid: " + valid);
}

}  // namespace

void check_search_metrics(const sweep::Study& study, const std::filesystem::path& workspace) {
  for (const sweep::StudySearch& search : study.searches) {
    if (search.metric == "validation") continue;
    const std::set<std::string> names(search.trials.begin(), search.trials.end());
    std::set<std::pair<std::string, bool>> looked_at;  // Trials differ in these two only.
    for (const sweep::TrialSpec& trial : study.trials) {
      if (!names.contains(trial.name)) continue;
      if (!looked_at.emplace(trial.dataset, trial.segmented).second) continue;
      check(study, search, trial, workspace);
    }
  }
}

}  // namespace reprise::cli
