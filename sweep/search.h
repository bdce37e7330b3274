#pragma once
/// `[search]`: which settings to try, when what is known so far is this.
///
/// Pure: the trials are a function of the settings and of the values measured so far, whatever the
/// order in which these came, so that a search that was killed goes on with the same decisions.
///
/// Configurations come in generations of `batch`. Each is trained for the first number of steps; of
/// every `reduction` consecutive ones the best goes on to the next number (asynchronous successive
/// halving, ASHA, Li et al. 2020, with fixed groups instead of whoever comes first). The sampler
/// "tpe" (tree-structured Parzen estimator, Bergstra et al. 2011) draws a generation from what all
/// generations before came to; "random" draws all of them at once.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sweep/axis_sample.h"
#include "sweep/toml_reader.h"

namespace reprise::sweep {

struct SearchSettings {
  std::string name = "search";        ///< First part of the trials' names.
  std::string sampler = "random";     ///< Or "tpe".
  std::string metric;                 ///< "validation", or a column of tables: "PSNR".
  std::string training = "pretrain";  ///< Whose steps are the budget; or "finetune".
  std::size_t trials = 0;             ///< Configurations.
  std::uint64_t seed = 1;
  std::vector<std::int64_t> steps;  ///< Of the training, ascending, at least one.
  std::size_t reduction = 3;
  std::size_t batch = 1;
  std::vector<SampleAxis> axes;
};

/// Reads the table `[search]`. Errors: InvalidInput with line and column.
SearchSettings read_search(TomlReader reader);

/// A configuration trained for `steps[rung]` steps.
struct SearchTrial {
  std::size_t index = 0, rung = 0;
  std::vector<double> units;  ///< A number in [0, 1) for each axis: `SampleAxis::value` of it.
};

/// The value of configuration `index` at a rung, greater is better; minus infinity where it failed
/// for good; absent where it is not known yet.
using SearchValue = std::function<std::optional<double>(std::size_t index, std::size_t rung)>;

/// All trials that are decided, in the order of their configurations; with more values known, these
/// and more.
std::vector<SearchTrial> search_trials(const SearchSettings& settings, const SearchValue& value);

}  // namespace reprise::sweep
