#include "datasets_h5/paper.h"

#include <sstream>

namespace reprise::datasets {
namespace {

using Splits = std::map<std::string, std::map<std::string, std::string>>;

/// The lists are data, built into the binary so that it works from anywhere.
Splits read_splits() {
  std::istringstream lines(
#include "paper_splits.inc"
  );
  Splits splits;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const std::size_t first = line.find(',');
    const std::size_t last = line.rfind(',');
    if (first == last) continue;
    splits[line.substr(0, first)][line.substr(first + 1, last - first - 1)] = line.substr(last + 1);
  }
  return splits;
}

}  // namespace

const std::map<std::string, std::string>& paper_split(const std::string& importer) {
  static const Splits splits = read_splits();
  static const std::map<std::string, std::string> none;
  const auto found = splits.find(importer);
  return found == splits.end() ? none : found->second;
}

PaperCounts paper_counts(const std::string& importer) {
  if (importer == "oasis") return {30, 4350, 9, 1305};
  if (importer == "brats") return {120, 7333, 30, 1853};
  if (importer == "acdc") return {80, 1462, 20, 373};
  if (importer == "covid") return {16, 2264, 4, 588};
  return {};
}

}  // namespace reprise::datasets
