#pragma once
/// The HDF5 library that reads and writes data sets.

#include <string>

namespace reprise::datasets {

/// "HDF5 1.10.8": of the library that runs.
std::string library_version();

}  // namespace reprise::datasets
