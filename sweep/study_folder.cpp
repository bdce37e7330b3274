#include "sweep/study_folder.h"

#include <algorithm>
#include <map>

#include "sweep/error.h"

namespace reprise::sweep {
namespace {

namespace fs = std::filesystem;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "table2" before "table10".
bool natural_less(const std::string& a, const std::string& b) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const auto end_of = [](const std::string& text, std::size_t at) {
        while (at < text.size() && is_digit(text[at])) ++at;
        return at;
      };
      const std::size_t end_i = end_of(a, i);
      const std::size_t end_j = end_of(b, j);
      if (end_i - i != end_j - j) return end_i - i < end_j - j;
      const int order = a.compare(i, end_i - i, b, j, end_j - j);
      if (order != 0) return order < 0;
      i = end_i;
      j = end_j;
      continue;
    }
    if (a[i] != b[j]) return a[i] < b[j];
    ++i;
    ++j;
  }
  return a.size() - i < b.size() - j;
}

void add(Study& all, Study part) {
  for (DatasetSpec& spec : part.datasets) {
    const auto same = [&](const DatasetSpec& each) { return each.name == spec.name; };
    const auto found = std::find_if(all.datasets.begin(), all.datasets.end(), same);
    if (found == all.datasets.end()) {
      all.datasets.push_back(std::move(spec));
    } else if (found->recipe() != spec.recipe()) {
      throw_invalid(spec.place.text() + ": data set \"" + spec.name + "\" differs from that of " +
                    found->place.text() + ", another study of the folder");
    }
  }
  for (const auto& [name, spec] : part.weights) {
    const auto [found, is_new] = all.weights.try_emplace(name, spec);
    if (!is_new && found->second.sha256 != spec.sha256) {
      throw_invalid(spec.place.text() + ": weights." + name + ": are not those of " +
                    found->second.place.text() + ", another study of the folder");
    }
  }
  for (StudySearch& search : part.searches) {
    for (std::string& name : search.trials) name = part.name + "." + name;
    all.searches.push_back(std::move(search));
  }
  for (TrialSpec& trial : part.trials) {
    trial.name = part.name + "." + trial.name;
    all.trials.push_back(std::move(trial));
  }
  for (TableSpec& table : part.tables) {
    table.name = part.name + "." + table.name;
    all.tables.push_back(std::move(table));
  }
  all.text += "# study: " + part.path.string() + "\n" + part.text + "\n";
}

}  // namespace

Study load_study_folder(const fs::path& folder, const Observations& known) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".toml") {
      files.push_back(entry.path());
    }
  }
  if (files.empty()) throw_invalid(folder.string() + ": holds no study (*.toml)");
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
    return natural_less(a.filename().string(), b.filename().string());
  });
  Study all;
  all.path = folder;
  const fs::path whole = fs::absolute(folder).lexically_normal();
  all.name = (whole.filename().empty() ? whole.parent_path() : whole).filename().string();
  all.title = all.name;
  std::map<std::string, SourcePlace> names;
  for (const fs::path& file : files) {
    Study part = load_study(file);
    if (!part.searches.empty()) {
      Observations own;
      for (const auto& [name, value] : known) {
        if (name.starts_with(part.name + ".")) own[name.substr(part.name.size() + 1)] = value;
      }
      part = load_study(file, own);
    }
    const auto [first, is_new] = names.try_emplace(part.name, part.name_place);
    if (!is_new) {
      throw_invalid(part.name_place.text() + ": name = \"" + part.name +
                    "\": is that of another study of the folder (" + first->second.text() + ")");
    }
    add(all, std::move(part));
  }
  return all;
}

}  // namespace reprise::sweep
