#pragma once
/// What can be known to fail is refused when a study is read, not hours into its run.

#include <functional>
#include <string>

#include "sweep/study.h"

namespace reprise::sweep {

/// "FILE:LINE:COLUMN" of a setting of the trial at hand.
using SettingPlace = std::function<std::string(const std::string& key)>;

/// Checks that a trial goes together with its data sets, losses and weights: sizes of slices and
/// patches, what a loss needs, the U-Net of another data set.
/// Errors: InvalidInput naming file, line, column, trial, key and value.
void check_trial(const Study& study, const TrialSpec& trial, const SettingPlace& place);

/// What only an imported data set tells.
struct DatasetFacts {
  std::int64_t channels = 1;
  std::int64_t classes = 1;  ///< Labels, the background included.
};

/// Checks that trials go together with the imported data sets, by name: channels of a foreign
/// U-Net, and labels where a U-Net is trained.
/// Errors: InvalidInput naming file, line, column, trial, key and value.
void check_datasets(const Study& study, const std::map<std::string, DatasetFacts>& facts);

}  // namespace reprise::sweep
