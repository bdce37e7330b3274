#include "datasets_h5/channel_names.h"

namespace reprise::datasets {

std::vector<std::string> channel_names(std::int64_t channels) {
  if (channels == 4) return {"T1Gd", "T1", "T2", "FLAIR"};
  std::vector<std::string> names;
  for (std::int64_t at = 1; at <= channels; ++at) names.push_back(std::to_string(at));
  return names;
}

}  // namespace reprise::datasets
