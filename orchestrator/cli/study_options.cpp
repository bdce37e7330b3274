#include "orchestrator/cli/study_options.h"

#include "orchestrator/cli/prepare.h"
#include "orchestrator/cli/search_metrics.h"
#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::cli {

void add_study_options(CLI::App& command, StudyOptions& options) {
  command.add_option("study", options.study, "A study file (TOML), or a folder of them")
      ->required();
  add_workspace_options(command, options);
}

void add_workspace_options(CLI::App& command, StudyOptions& options) {
  command
      .add_option("-w,--workspace", options.workspace,
                  "Folder of the database, data sets, checkpoints and weights")
      ->capture_default_str();
  command.add_option("--source", options.sources,
                     "NAME=FOLDER: where the raw files of data set NAME lie");
}

sweep::Study load(const StudyOptions& options, const sweep::Observations& known) {
  sweep::Study study = sweep::load_study(options.study, known);
  std::vector<std::string> names;
  for (const sweep::DatasetSpec& spec : study.datasets) names.push_back(spec.name);
  for (const std::string& source : options.sources) {
    const std::size_t equals = source.find('=');
    const std::string name = source.substr(0, equals);
    if (equals == std::string::npos) throw_invalid("--source " + source + ": must be NAME=FOLDER");
    const auto spec = std::find_if(study.datasets.begin(), study.datasets.end(),
                                   [&](const sweep::DatasetSpec& d) { return d.name == name; });
    if (spec == study.datasets.end()) {
      throw_invalid("--source " + source + ": the study has no data set of that name" +
                    sweep::nearest_hint(name, names));
    }
    const std::filesystem::path folder = source.substr(equals + 1);
    if (!std::filesystem::is_directory(folder)) {
      throw_invalid("--source " + source + ": no such folder");
    }
    spec->source = std::filesystem::canonical(folder).string();
  }
  check_search_metrics(study, options.workspace);
  return study;
}

std::filesystem::path database_path(const StudyOptions& options) {
  return std::filesystem::path(options.workspace) / "reprise.db";
}

std::map<std::string, std::string> digests_or_pending(const sweep::Study& study,
                                                      const std::filesystem::path& workspace) {
  std::map<std::string, std::string> digests;
  for (const sweep::DatasetSpec& spec : study.datasets) {
    PreparedDataset prepared;
    digests[spec.name] = find_dataset(spec, workspace, prepared)
                             ? prepared.digest
                             : "pending:" + sha256_hex(spec.recipe());
  }
  return digests;
}

}  // namespace reprise::cli
