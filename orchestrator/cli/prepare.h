#pragma once
/// Data sets before anything is planned: a stage's id holds the content digest of its data set.

#include <filesystem>
#include <map>
#include <string>

#include "sweep/study.h"

namespace reprise::cli {

struct PreparedDataset {
  std::string digest;
  std::filesystem::path path;
};

/// Runs `work` in a child process with limited memory and CPU time, so that a hostile or damaged
/// foreign file can harm nothing but itself. Errors: what `work` threw; Corrupt if the child died.
void run_limited(const std::string& what, void (*work)(const void*), const void* argument);

/// Finds or makes the file of a study's data set: `WORKSPACE/datasets/NAME-RECIPE.h5`, where RECIPE
/// names everything that the file depends on but its sources' bytes.
PreparedDataset prepare_dataset(const sweep::DatasetSpec& spec,
                                const std::filesystem::path& workspace);

/// The file as `prepare_dataset` would name it, if it is there already.
bool find_dataset(const sweep::DatasetSpec& spec, const std::filesystem::path& workspace,
                  PreparedDataset& found);

/// What the database keeps about a data set for people, as JSON: importer, slices, size, channels,
/// labels, label groups, sources and a line a subject.
std::string dataset_facts(const std::filesystem::path& path, const std::string& recipe);

}  // namespace reprise::cli
