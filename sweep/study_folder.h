#pragma once
/// A folder of studies as one study. Internal to sweep/.

#include <filesystem>

#include "sweep/study.h"

namespace reprise::sweep {

/// All *.toml of the folder, in the order of their names with numbers by size, as one study that is
/// named like the folder. Errors: InvalidInput for no study, two of one name, and data sets of one
/// name that differ.
Study load_study_folder(const std::filesystem::path& folder, const Observations& known);

}  // namespace reprise::sweep
