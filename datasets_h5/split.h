#pragma once
/// Who is trained on and who is tested on, and the refusal of a person in both.

#include <cstdint>
#include <string>
#include <vector>

namespace reprise::datasets {

/// How subjects are divided.
struct SplitRule {
  /// "auto" (the paper's list where its subjects are present, else a seeded draw), "paper",
  /// "seeded", "all-train", or the path of a CSV file with the columns subject and split.
  std::string method = "auto";
  /// Ids (or persons) that are tested on; all others train.
  std::vector<std::string> test_subjects = {};
  int test_count = 0;  ///< Persons drawn for the test; 0: a fifth, at least one.
  std::uint64_t seed = 0;
};

/// One split an id ("train", "test", or "" for a subject that the rule leaves out), and where it
/// came from.
struct SplitResult {
  std::vector<std::string> splits;
  std::string origin;  ///< For people: "the paper's list", "drawn with seed 1", ...
  int left_out = 0;    ///< Ids with an empty split.
  int missing = 0;     ///< Subjects of the list that are not in the data.
};

/// The person behind a scan: what two scans of one person have in common. OAS1_0061_MR1 and _MR2;
/// BraTS time points (Brats17_TCIA_607_1, BraTS-GLI-00005-001), with or without HGG_ or LGG_ before
/// them; studies of one Radiopaedia case (radiopaedia_10_85902_1); parts of one COVID-19-20 scan
/// (volume-covid19-A-0196_0). "#..." names one of a subject's volumes. Other ids are persons.
std::string person_of(const std::string& id);

/// Divides the ids of `importer`'s data. All scans of a person go together. A draw depends on the
/// seed and the set of persons only, not on their order. Errors: InvalidInput (unknown test
/// subject, more test persons than there are, a list that fits nobody, a person in both splits).
SplitResult assign_splits(const std::string& importer, const std::vector<std::string>& ids,
                          const SplitRule& rule);

/// Errors: InvalidInput if one person is in both splits, naming the ids. Ids without a split pass.
void check_no_leak(const std::vector<std::string>& ids, const std::vector<std::string>& splits);

}  // namespace reprise::datasets
