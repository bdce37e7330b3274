#pragma once
/// What run, plan, status and table share: a study file, a workspace, and where raw data lies.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sweep/study.h"

namespace reprise::cli {

struct StudyOptions {
  std::string study;
  std::string workspace = "workspace";
  std::vector<std::string> sources;  ///< NAME=FOLDER
};

void add_study_options(CLI::App& command, StudyOptions& options);
/// Those without the study itself.
void add_workspace_options(CLI::App& command, StudyOptions& options);

/// Loads the study and puts the `--source` folders into its data sets; of a search, it has the
/// trials that `known` decides. Errors: InvalidInput naming the argument, or the place in the
/// study.
sweep::Study load(const StudyOptions& options, const sweep::Observations& known = {});

std::filesystem::path database_path(const StudyOptions& options);

/// Digests of the data sets; one that is not imported yet gets a stand-in ("pending:...") made of
/// its recipe, so that sharing can be counted before any data exists.
std::map<std::string, std::string> digests_or_pending(const sweep::Study& study,
                                                      const std::filesystem::path& workspace);

}  // namespace reprise::cli
