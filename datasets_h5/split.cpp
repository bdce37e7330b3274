#include "datasets_h5/split.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "datasets_h5/csv.h"
#include "datasets_h5/paper.h"
#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::datasets {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// `id` without its last field, if that is a number.
std::string without_last(const std::string& id, char separator) {
  const std::size_t at = id.rfind(separator);
  return at != std::string::npos && is_number(std::string_view(id).substr(at + 1))
             ? id.substr(0, at)
             : id;
}

std::string base_of(const std::string& id) { return id.substr(0, id.find('#')); }

std::set<std::string> persons_of(const std::vector<std::string>& ids) {
  std::set<std::string> persons;
  for (const std::string& id : ids) persons.insert(person_of(id));
  return persons;
}

std::vector<std::string> split_by(const std::vector<std::string>& ids,
                                  const std::set<std::string>& test) {
  std::vector<std::string> splits;
  for (const std::string& id : ids) {
    splits.emplace_back(test.contains(person_of(id)) ? "test" : "train");
  }
  return splits;
}

SplitResult named(const std::vector<std::string>& ids, const SplitRule& rule) {
  const std::set<std::string> persons = persons_of(ids);
  std::set<std::string> test;
  for (const std::string& subject : rule.test_subjects) {
    const bool known =
        persons.contains(subject) || std::find(ids.begin(), ids.end(), subject) != ids.end();
    if (!known) {
      throw_invalid("split: test subject \"" + subject + "\" is not in the data" +
                    sweep::nearest_hint(subject, ids));
    }
    test.insert(person_of(subject));
  }
  return {.splits = split_by(ids, test), .origin = "the test subjects given"};
}

SplitResult drawn(const std::vector<std::string>& ids, const SplitRule& rule) {
  const std::set<std::string> persons = persons_of(ids);
  const auto count = static_cast<int>(persons.size());
  if (rule.test_count < 0 || rule.test_count > count) {
    throw_invalid("split: " + std::to_string(rule.test_count) + " test subjects asked for, " +
                  std::to_string(count) + " in the data");
  }
  if (count < 2 && rule.test_count == 0) {
    throw_invalid("split: " + *persons.begin() +
                  " is the only person, so nobody is left to test on (to train on everything, "
                  "say --split all-train, or split = \"all-train\" in a study)");
  }
  const int wanted = rule.test_count > 0 ? rule.test_count : std::max(1, count / 5);
  // Ranking by a hash draws the same persons whatever order the folder was listed in.
  std::map<std::string, std::string> ranked;
  for (const std::string& person : persons) {
    ranked[sha256_hex(std::to_string(rule.seed) + "/" + person)] = person;
  }
  std::set<std::string> test;
  auto next = ranked.begin();
  for (int i = 0; i < wanted; ++i) test.insert((next++)->second);
  return {.splits = split_by(ids, test), .origin = "drawn with seed " + std::to_string(rule.seed)};
}

/// `list`: subject to split.
SplitResult listed(const std::vector<std::string>& ids,
                   const std::map<std::string, std::string>& list) {
  SplitResult result;
  std::set<std::string> found;
  for (const std::string& id : ids) {
    const auto entry = list.find(base_of(id));
    result.splits.push_back(entry == list.end() ? "" : entry->second);
    if (entry == list.end()) ++result.left_out;
    if (entry != list.end()) found.insert(entry->first);
  }
  result.missing = static_cast<int>(list.size() - found.size());
  return result;
}

std::map<std::string, std::string> read_list(const std::string& path,
                                             const std::vector<std::string>& ids) {
  std::set<std::string> known;
  for (const std::string& id : ids) known.insert(base_of(id));
  const std::vector<std::string> names(known.begin(), known.end());
  std::map<std::string, std::string> list;
  for (const CsvRow& row : read_csv(path, {"subject", "split"})) {
    const std::string& subject = row.values.at("subject");
    const std::string& split = row.values.at("split");
    if (split != "train" && split != "test") {
      throw_invalid(row.where + ": split \"" + split + "\" is neither train nor test");
    }
    if (!known.contains(subject)) {
      throw_invalid(row.where + ": subject \"" + subject + "\" is not in the data" +
                    sweep::nearest_hint(subject, names));
    }
    const auto [entry, fresh] = list.emplace(subject, split);
    if (!fresh && entry->second != split) {
      throw_invalid(row.where + ": subject \"" + subject + "\" is in both splits");
    }
  }
  return list;
}

}  // namespace

std::string person_of(const std::string& id) {
  std::string person = base_of(id);
  for (const char* grade : {"HGG_", "LGG_"}) {
    if (person.starts_with(grade)) person.erase(0, 4);
  }
  const std::size_t scan = person.rfind("_MR");
  if (scan != std::string::npos && is_number(std::string_view(person).substr(scan + 3))) {
    return person.substr(0, scan);
  }
  const std::string text = lower(person);
  const auto fields = [&](char separator) {
    return std::count(person.begin(), person.end(), separator) + 1;
  };
  if (text.starts_with("brats")) {
    if (fields('_') >= 4) return without_last(person, '_');
    if (fields('-') >= 4) return without_last(person, '-');
  } else if (text.starts_with("radiopaedia_") && fields('_') >= 3) {
    return person.substr(0, person.find('_', person.find('_') + 1));
  } else if (text.starts_with("volume-covid19-") && fields('_') == 2) {
    return without_last(person, '_');
  }
  return person;
}

SplitResult assign_splits(const std::string& importer, const std::vector<std::string>& ids,
                          const SplitRule& rule) {
  REPRISE_CHECK(!ids.empty());
  if (!rule.test_subjects.empty() && rule.test_count > 0) {
    throw_invalid("split: give test subjects or a test count, not both");
  }
  const bool counted = !rule.test_subjects.empty() || rule.test_count > 0;
  if (counted && rule.method != "auto" && rule.method != "seeded") {
    throw_invalid("split: \"" + rule.method + "\" takes no test subjects and no test count");
  }
  SplitResult result;
  if (!rule.test_subjects.empty()) {
    result = named(ids, rule);
  } else if (counted || rule.method == "seeded") {
    result = drawn(ids, rule);
  } else if (rule.method == "all-train") {
    result = {.splits = std::vector<std::string>(ids.size(), "train"),
              .origin = "all are trained on"};
  } else if (rule.method == "auto" || rule.method == "paper") {
    result = listed(ids, paper_split(importer));
    const auto has = [&](const char* split) {
      return std::find(result.splits.begin(), result.splits.end(), split) != result.splits.end();
    };
    const bool fits = has("train") && has("test");
    if (!fits && rule.method == "paper") {
      throw_invalid("split: the paper's list for " + importer + " holds " +
                    std::to_string(paper_split(importer).size()) +
                    " subjects, and the data has none of one side of it");
    }
    result.origin = "the paper's list";
    if (!fits) result = drawn(ids, rule);
  } else if (rule.method.ends_with(".csv")) {
    result = listed(ids, read_list(rule.method, ids));
    result.origin = rule.method;
  } else {
    const std::vector<std::string> methods{"auto", "paper", "seeded", "all-train"};
    throw_invalid("split \"" + rule.method + "\" is none of auto, paper, seeded, all-train and a " +
                  ".csv file" + sweep::nearest_hint(rule.method, methods));
  }
  check_no_leak(ids, result.splits);
  return result;
}

void check_no_leak(const std::vector<std::string>& ids, const std::vector<std::string>& splits) {
  std::map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (splits[i].empty()) continue;
    const auto [seen, fresh] = first.emplace(person_of(ids[i]), i);
    if (fresh || splits[seen->second] == splits[i]) continue;
    throw_invalid("split: " + ids[seen->second] + " (" + splits[seen->second] + ") and " + ids[i] +
                  " (" + splits[i] +
                  ") are the same person: a test subject must not be trained on");
  }
}

}  // namespace reprise::datasets
