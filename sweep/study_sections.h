#pragma once
/// The typed sections of a study file, each read by one function. Internal to sweep/.

#include "sweep/study.h"
#include "sweep/toml_reader.h"

namespace reprise::sweep {

/// Where the value of `key` stands, or else the table that would hold it.
SourcePlace source_place(const TomlReader& reader, std::string_view key);
DatasetSpec read_dataset(TomlReader reader, const std::string& name);
/// `[weights]`: names of weights to files (relative to the study), each known by its SHA-256.
std::map<std::string, WeightsSpec> read_weights(TomlReader reader);
TableSpec read_table(TomlReader reader);
/// A network's table with every default of its architecture; `swin_shift` is the default of
/// SwinIR's. Errors for impossible combinations.
boost::json::object read_network(TomlReader reader, bool swin_shift);
/// A trial's settings; `reader` lays the trial's own table over the study's `[trial]`.
TrialSpec read_trial(TomlReader reader);

}  // namespace reprise::sweep
