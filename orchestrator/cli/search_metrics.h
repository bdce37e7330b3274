#pragma once
/// A search's metric is checked before anything runs, not after its first evaluation.

#include <filesystem>

#include "sweep/study.h"

namespace reprise::cli {

/// Checks that the trials of every search are measured by its metric: as far as the data set's
/// importer tells, and exactly where the data set lies imported in the workspace.
/// Errors: InvalidInput naming file, line, column and the metrics there are.
void check_search_metrics(const sweep::Study& study, const std::filesystem::path& workspace);

}  // namespace reprise::cli
