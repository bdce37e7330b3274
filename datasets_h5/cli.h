#pragma once
/// `reprise data ...`: make, import, show and verify data sets.

#include <CLI/CLI.hpp>

namespace reprise::datasets {

/// Adds `phantom KIND`, `import READER`, `info`, `verify` and `view` below `data`. Their callbacks
/// run while CLI11 parses, print to standard output, and throw `Error`.
void add_data_commands(CLI::App& data);

}  // namespace reprise::datasets
