#pragma once
/// What a study says of a data set, in the words of its importer.

#include <string>

#include "datasets_h5/importer.h"
#include "sweep/study.h"

namespace reprise::cli {

/// The reader of the data set's files, which for a phantom is that of its layout.
std::string importer_of(const sweep::DatasetSpec& spec);

/// Errors: InvalidInput for a label group of unknown labels.
datasets::ImportOptions import_options(const sweep::DatasetSpec& spec);

}  // namespace reprise::cli
