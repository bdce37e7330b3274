#pragma once
/// Who is trained on and who is tested on, and the refusal of a person in both.

#include <cstdint>
#include <string>
#include <vector>

namespace reprise::datasets {

/// How subjects are divided. Exactly one way may be used; neither leaves explicit splits alone.
struct SplitRule {
  std::vector<std::string> test_subjects;  ///< Ids (or persons) that are tested on.
  int test_count = 0;                      ///< Persons drawn for the test by `seed`.
  std::uint64_t seed = 0;
};

/// The person behind a scan: "OAS1_0061_MR2" and "OAS1_0061_MR1" are both "OAS1_0061"; the number
/// of a repeated volume ("patient001#2") is not part of the person either.
std::string person_of(const std::string& id);

/// "train" or "test" for each id. All scans of a person go together. The draw depends on the seed
/// and the set of persons only, not on their order. Errors: InvalidInput (unknown test subject,
/// more test persons than there are, both ways at once).
std::vector<std::string> assign_splits(const std::vector<std::string>& ids, const SplitRule& rule);

/// Errors: InvalidInput if one person is in both splits, naming the ids.
void check_no_leak(const std::vector<std::string>& ids, const std::vector<std::string>& splits);

}  // namespace reprise::datasets
