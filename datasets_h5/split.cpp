#include "datasets_h5/split.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "sweep/digest.h"
#include "sweep/error.h"

namespace reprise::datasets {

std::string person_of(const std::string& id) {
  std::string person = id.substr(0, id.find('#'));
  const std::size_t scan = person.rfind("_MR");
  if (scan == std::string::npos || scan + 3 == person.size()) return person;
  const bool digits = std::all_of(person.begin() + static_cast<std::ptrdiff_t>(scan) + 3,
                                  person.end(), [](unsigned char c) { return std::isdigit(c); });
  return digits ? person.substr(0, scan) : person;
}

std::vector<std::string> assign_splits(const std::vector<std::string>& ids, const SplitRule& rule) {
  if (!rule.test_subjects.empty() && rule.test_count > 0) {
    throw_invalid("split: give test subjects or a test count, not both");
  }
  std::set<std::string> persons;
  for (const std::string& id : ids) persons.insert(person_of(id));
  std::set<std::string> test;
  for (const std::string& subject : rule.test_subjects) {
    const bool known =
        persons.contains(subject) || std::find(ids.begin(), ids.end(), subject) != ids.end();
    if (!known) throw_invalid("split: test subject \"" + subject + "\" is not in the data");
    test.insert(person_of(subject));
  }
  if (rule.test_count < 0 || static_cast<std::size_t>(rule.test_count) > persons.size()) {
    throw_invalid("split: " + std::to_string(rule.test_count) + " test subjects asked for, " +
                  std::to_string(persons.size()) + " in the data");
  }
  // Ranking by a hash draws the same persons whatever order the folder was listed in.
  std::map<std::string, std::string> ranked;
  for (const std::string& person : persons) {
    ranked[sha256_hex(std::to_string(rule.seed) + "/" + person)] = person;
  }
  auto next = ranked.begin();
  for (int i = 0; i < rule.test_count; ++i) test.insert((next++)->second);
  std::vector<std::string> splits;
  for (const std::string& id : ids)
    splits.push_back(test.contains(person_of(id)) ? "test" : "train");
  return splits;
}

void check_no_leak(const std::vector<std::string>& ids, const std::vector<std::string>& splits) {
  std::map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto [seen, fresh] = first.emplace(person_of(ids[i]), i);
    if (fresh || splits[seen->second] == splits[i]) continue;
    throw_invalid("split: " + ids[seen->second] + " (" + splits[seen->second] + ") and " + ids[i] +
                  " (" + splits[i] +
                  ") are the same person: a test subject must not be trained on");
  }
}

}  // namespace reprise::datasets
