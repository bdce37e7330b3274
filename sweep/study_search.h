#pragma once
/// The trials of a study's `[search]`, as settings laid over `[trial]`. Internal to sweep/.

#include <string>
#include <vector>

#include "sweep/axes.h"
#include "sweep/search.h"
#include "sweep/study.h"

namespace reprise::sweep {

struct DrawnTrial {
  std::string name;  ///< "search-007-6000".
  std::size_t rung = 0;
  Combination combination;  ///< With its row and name.
};

/// All trials that `known` decides. `root`: the reader of the file that has the `[search]`.
std::vector<DrawnTrial> draw_trials(const SearchSettings& settings, TomlReader& root,
                                    const Observations& known, OwnedNodes& owned);

/// Makes a trial's training go on from those of the rungs below. Errors: InvalidInput where the
/// trial has no such training, or does not measure what the search wants.
void continue_shorter(TrialSpec& trial, const SearchSettings& settings, std::size_t rung,
                      TomlReader& root);

}  // namespace reprise::sweep
