#pragma once
/// What the paper says of its four data sets: who is in which split, and how much that is.

#include <map>
#include <string>

namespace reprise::datasets {

/// Subject id to "train" or "test", for "oasis", "brats", "acdc" and "covid"; empty for others.
///
/// From the configuration that the authors released. Its validation subjects are among the test
/// subjects, and count as such here. The COVID list names the COVID-19-20 challenge's volumes; the
/// paper used another set of 20, whose split is not published. BraTS: 50 and 10 of the paper's 120
/// and 30.
const std::map<std::string, std::string>& paper_split(const std::string& importer);

/// Sizes that the paper states (section 4.1); all 0 for other importers.
struct PaperCounts {
  int train_subjects = 0;
  int train_slices = 0;
  int test_subjects = 0;
  int test_slices = 0;
};
PaperCounts paper_counts(const std::string& importer);

}  // namespace reprise::datasets
