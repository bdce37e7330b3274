#pragma once
/// What can be known to fail is refused when a study is read, not hours into its run.

#include "sweep/study.h"

namespace reprise::sweep {

/// Checks that trials go together with their data sets, losses and weights: sizes of slices and
/// patches, what a loss needs, the U-Net of another data set.
/// Errors: InvalidInput naming file, trial, key and value.
void check_study(const Study& study);

/// Checks what only the imported files tell: `channels` of every data set by name.
/// Errors: InvalidInput, as above.
void check_channels(const Study& study, const std::map<std::string, std::int64_t>& channels);

}  // namespace reprise::sweep
