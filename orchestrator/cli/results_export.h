#pragma once
/// All results of a workspace as one flat file.

#include <filesystem>
#include <string>

namespace reprise::cli {

/// Whether an argument of `reprise export` is a file of results (NAME.csv, NAME.json).
bool is_results_file(const std::string& argument);

/// One row a measured value: study, trial, label, data set, stage, metric, subject, slice, value.
/// Subject and slice are empty for one number a stage. Written atomically. Errors: InvalidInput for
/// another ending or no database, Unavailable, Exhausted.
void export_results(const std::filesystem::path& database, const std::string& target);

}  // namespace reprise::cli
