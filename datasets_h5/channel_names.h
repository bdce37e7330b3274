#pragma once
/// What metrics call the channels of a data set.

#include <cstdint>
#include <string>
#include <vector>

namespace reprise::datasets {

/// BraTS' modalities in the order of its files for 4 channels, else numbers from 1.
std::vector<std::string> channel_names(std::int64_t channels);

}  // namespace reprise::datasets
