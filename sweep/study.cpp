#include "sweep/study.h"

#include <algorithm>
#include <boost/json.hpp>
#include <set>
#include <sstream>

#include "sweep/check_study.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/json.h"
#include "sweep/nearest.h"
#include "sweep/study_sections.h"

namespace reprise::sweep {
namespace {

constexpr std::size_t kTrialsMax = 100'000;

/// A trial's name: its row label in characters that are safe in paths and addresses.
std::string trial_name(const std::string& row) {
  std::string name;
  for (const char c : row) {
    const bool safe = (std::isalnum(static_cast<unsigned char>(c)) != 0) || c == '.' || c == '+';
    if (safe) {
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.substr(0, 128);
}

/// Puts `value` at the dotted `key` of `table`.
void put(toml::table& table, const std::string& key, const toml::node& value) {
  const std::size_t dot = key.find('.');
  if (dot == std::string::npos) {
    table.insert_or_assign(key, value);
    return;
  }
  const std::string head = key.substr(0, dot);
  if (!table.contains(head)) table.insert(head, toml::table{});
  put(*table.get(head)->as_table(), key.substr(dot + 1), value);
}

std::string shown(const toml::node& node) {
  std::ostringstream out;
  node.visit([&](const auto& value) {
    if constexpr (toml::is_value<decltype(value)>) {
      out << value.get();
    } else {
      out << value;
    }
  });
  return out.str();
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// One layer per combination of a trial's `grid` ({"network.window" = [2, 4, 8]}), each with the
/// row label in which {network.window} stands for the value.
std::vector<toml::table> grid_layers(TomlReader& reader, const std::string& row) {
  std::vector<toml::table> layers(1);
  layers[0].insert("row", row);
  TomlReader grid = reader.table("grid");
  for (const std::string& key : grid.names()) {
    const toml::node* values = grid.node(key);
    if (!values->is_array() || values->as_array()->empty()) {
      grid.fail(key, "must be a list with at least one value");
    }
    std::vector<toml::table> next;
    for (const toml::table& layer : layers) {
      for (const toml::node& value : *values->as_array()) {
        toml::table combination = layer;
        std::string label = *combination["row"].value<std::string>();
        const std::string mark = "{" + key + "}";
        if (label.find(mark) == std::string::npos) {
          label += " " + key + "=" + shown(value);
        } else {
          replace_all(label, mark, shown(value));
        }
        combination.insert_or_assign("row", label);
        put(combination, key, value);
        next.push_back(std::move(combination));
        if (next.size() > kTrialsMax) grid.fail(key, "more than 100000 trials");
      }
    }
    layers = std::move(next);
  }
  return layers;
}

void read_trials(Study& study, TomlReader& root) {
  TomlReader base = root.table("trial");
  std::set<std::string> names;
  for (TomlReader& own : root.tables("trials")) {
    const std::string row = own.text("row", std::nullopt);
    const std::vector<toml::table> combinations = grid_layers(own, row);
    for (const toml::table& combination : combinations) {
      std::vector<const toml::table*> layers = {&combination};
      layers.insert(layers.end(), own.layers().begin(), own.layers().end());
      layers.insert(layers.end(), base.layers().begin(), base.layers().end());
      TomlReader reader(own.file(), own.path(), std::move(layers));
      (void)reader.node("grid");
      TrialSpec trial = read_trial(std::move(reader));
      trial.name = trial_name(trial.row);
      if (trial.name.empty() || !names.insert(trial.name).second) {
        own.fail("row", "gives the trial name \"" + trial.name +
                            "\", which is empty or stands twice; choose another label");
      }
      const bool known = std::any_of(study.datasets.begin(), study.datasets.end(),
                                     [&](const DatasetSpec& d) { return d.name == trial.dataset; });
      if (!known) {
        std::vector<std::string> valid;
        for (const DatasetSpec& d : study.datasets) valid.push_back(d.name);
        own.fail("row", "uses dataset \"" + trial.dataset + "\", which the study does not define" +
                            nearest_hint(trial.dataset, valid));
      }
      study.trials.push_back(std::move(trial));
    }
  }
  if (study.trials.empty()) root.fail("trials", "at least one [[trials]] table is needed");
}

/// Networks are profiled where a table has a column for it.
void profile_where_shown(Study& study) {
  const std::set<std::string> measured = {"FPS", "MACs(G)", "params(M)"};
  for (const TableSpec& table : study.tables) {
    for (const std::string& column : table.columns) {
      if (!measured.contains(column)) continue;
      for (TrialSpec& trial : study.trials) trial.profile = true;
    }
  }
}

}  // namespace

std::string DatasetSpec::recipe() const {
  const boost::json::array volume_size(volume.begin(), volume.end());
  const boost::json::array names(label_names.begin(), label_names.end());
  return canonical_json(boost::json::object{{"importer", importer},
                                            {"source", source},
                                            {"list", list},
                                            {"height", height},
                                            {"width", width},
                                            {"slice_axis", slice_axis},
                                            {"label_names", names},
                                            {"labelled_slices_only", labelled_slices_only},
                                            {"subjects", subjects},
                                            {"volume", volume_size},
                                            {"test_subjects", test_subjects},
                                            {"seed", seed}});
}

const DatasetSpec& Study::dataset(const std::string& dataset_name) const {
  for (const DatasetSpec& spec : datasets) {
    if (spec.name == dataset_name) return spec;
  }
  throw_invalid(path.string() + ": no data set \"" + dataset_name + "\"");
}

Study parse_study(const std::string& text, const std::filesystem::path& path) {
  toml::table document;
  try {
    document = toml::parse(std::string_view(text), std::string_view(path.native()));
  } catch (const toml::parse_error& error) {
    throw_invalid(path.string() + ":" + std::to_string(error.source().begin.line) + ": " +
                  std::string(error.description()));
  }
  TomlReader root(path.string(), "", {&document});
  Study study;
  study.path = path;
  study.text = text;
  (void)root.integer("schema", std::nullopt, 1, 1);
  study.name = root.text("name", std::nullopt);
  if (study.name.empty() || trial_name(study.name) != study.name) {
    root.fail("name", "must be of a-z 0-9 . + -, at most 128 characters");
  }
  study.title = root.text("title", study.name);
  TomlReader datasets = root.table("datasets");
  for (const std::string& name : datasets.names()) {
    study.datasets.push_back(read_dataset(datasets.table(name), name));
  }
  if (study.datasets.empty()) root.fail("datasets", "at least one [datasets.NAME] is needed");
  study.weights = read_weights(root.table("weights"));
  read_trials(study, root);
  for (TomlReader& table : root.tables("tables")) study.tables.push_back(read_table(table));
  root.finish();
  profile_where_shown(study);
  check_study(study);
  return study;
}

Study load_study(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path))
    throw_invalid(path.string() + ": is a folder, not a study");
  return parse_study(read_file(path, 16U << 20U), path);
}

}  // namespace reprise::sweep
