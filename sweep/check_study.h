#pragma once
/// What can be known to fail is refused when a study is read, not hours into its run.

#include "sweep/study.h"

namespace reprise::sweep {

/// Checks that trials go together with their data sets, losses and weights: sizes of slices and
/// patches, what a loss needs, the U-Net of another data set.
/// Errors: InvalidInput naming file, trial, key and value.
void check_study(const Study& study);

/// What only an imported data set tells.
struct DatasetFacts {
  std::int64_t channels = 1;
  std::int64_t classes = 1;  ///< Labels, the background included.
};

/// Checks that trials go together with the imported data sets, by name: channels of a foreign
/// U-Net, and labels where a U-Net is trained.
/// Errors: InvalidInput, as above.
void check_datasets(const Study& study, const std::map<std::string, DatasetFacts>& facts);

}  // namespace reprise::sweep
