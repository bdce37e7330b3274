#include "sweep/study.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "sweep/axes.h"
#include "sweep/check_study.h"
#include "sweep/error.h"
#include "sweep/json.h"
#include "sweep/make_each.h"
#include "sweep/nearest.h"
#include "sweep/study_document.h"
#include "sweep/study_folder.h"
#include "sweep/study_references.h"
#include "sweep/study_search.h"
#include "sweep/study_sections.h"

namespace reprise::sweep {
namespace {

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

/// A data set's name becomes a file's.
bool is_file_name(const std::string& name) {
  const auto is_letter_or_digit = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
  };
  const auto fits = [&](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '+' || c == '-';
  };
  return !name.empty() && name.size() <= 128 && is_letter_or_digit(name.front()) &&
         std::all_of(name.begin(), name.end(), fits);
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

Study read_study(const std::string& text, const std::filesystem::path& path,
                 const Observations& known, std::vector<std::filesystem::path>& open);

/// Trials in the making: what a study needs while its references are followed.
class Reading {
 public:
  Reading(const StudyDocument& document, const Observations& known,
          std::vector<std::filesystem::path>& open)
      : document_(document), values_(document.values()), known_(known), open_(open) {}

  Study read() {
    Study study;
    study.path = document_.files.front()->path;
    study.text = document_.text();
    TomlReader root = reader(*document_.files.front());
    (void)root.integer("schema", std::nullopt, 1, 1);
    study.name = root.text("name", std::nullopt);
    if (study.name.empty() || study.name.front() == '.' || trial_name(study.name) != study.name) {
      root.fail("name", "must be of a-z 0-9 . + -, not begin with a dot, at most 128 characters");
    }
    study.name_place = source_place(root, "name");
    study.title = root.text("title", study.name);
    for (const auto& file : document_.files) read_datasets(study, *file);
    if (study.datasets.empty()) root.fail("datasets", "at least one [datasets.NAME] is needed");
    for (const auto& file : document_.files) {
      study.weights.merge(read_weights(reader(*file).table("weights")));
    }
    for (const auto& file : document_.files) read_trials(study, *file);
    for (const auto& file : document_.files) {
      TomlReader part = reader(*file);
      if (part.has("search")) read_search_trials(study, part);
    }
    if (study.trials.empty())
      root.fail("trials", "at least one [[trials]] table or a [search] is needed");
    follow_references(study, references_, [&](const auto& path) -> std::optional<Study> {
      if (std::find(open_.begin(), open_.end(), path) != open_.end()) return std::nullopt;
      return read_study(read_study_text(path), path, {}, open_);
    });
    for (const auto& file : document_.files) {
      TomlReader part = reader(*file);
      for (TomlReader& table : part.tables("tables")) {
        TableSpec spec = read_table(table);
        for (const TableSpec& other : study.tables) {
          if (other.name == spec.name) table.fail("name", "is that of another table of the study");
        }
        study.tables.push_back(std::move(spec));
        study.tables.back().group = study.name;
      }
      for (const char* key : {"schema", "name", "title", "include", "values", "datasets", "weights",
                              "trial", "trials", "search"}) {
        (void)part.node(key);
      }
      part.finish();
    }
    profile_where_shown(study);
    return study;
  }

 private:
  [[nodiscard]] TomlReader reader(const DocumentFile& file) const {
    return {file.path.string(), "", {&file.table}, values_};
  }

  void read_datasets(Study& study, const DocumentFile& file) const {
    TomlReader datasets = reader(file).table("datasets");
    for (const std::string& name : datasets.names()) {
      if (!is_file_name(name)) {
        datasets.fail(name,
                      "a data set's name must be of a-z A-Z 0-9 . _ + -, begin with a letter or "
                      "digit, at most 128 characters");
      }
      const auto same = [&](const DatasetSpec& spec) { return spec.name == name; };
      if (std::any_of(study.datasets.begin(), study.datasets.end(), same)) {
        datasets.fail(name, "the data set is defined twice");
      }
      study.datasets.push_back(read_dataset(datasets.table(name), name));
    }
  }

  /// [trial] of every file, topmost first, as layers below a trial's own table.
  [[nodiscard]] std::vector<const toml::table*> base() const {
    std::vector<const toml::table*> layers;
    for (const auto& file : document_.files) {
      TomlReader table = reader(*file).table("trial");
      layers.insert(layers.end(), table.layers().begin(), table.layers().end());
    }
    return layers;
  }

  void read_trials(Study& study, const DocumentFile& file) {
    const std::vector<const toml::table*> below = base();
    TomlReader root = reader(file);
    for (TomlReader& own : root.tables("trials")) {
      std::vector<const toml::table*> layers = own.layers();
      layers.insert(layers.end(), below.begin(), below.end());
      OwnedNodes owned;
      const std::vector<Combination> combinations = expand_axes(own, owned);
      if (study.trials.size() + combinations.size() > kTrialsMax) {
        own.fail("row", "more than " + std::to_string(kTrialsMax) + " trials");
      }
      const auto reader_of = [&](const Combination& combination) {
        TomlReader trial(own.file(), own.path(), layers, values_, combination);
        for (const char* key : {"list", "zip", "grid", "star", "sample", "when", "exclude"}) {
          (void)trial.node(key);
        }
        return trial;
      };
      std::vector<ReadTrial> trials = make_each(combinations.size(), [&](std::size_t i) {
        return read_one(study, reader_of(combinations[i]), combinations[i]);
      });
      study.trials.reserve(study.trials.size() + trials.size());
      for (std::size_t i = 0; i < trials.size(); ++i) {
        add_trial(study, std::move(trials[i]), [&] { return reader_of(combinations[i]); });
      }
    }
  }

  void read_search_trials(Study& study, TomlReader& root) {
    if (!study.searches.empty()) root.fail("search", "a study has one [search]");
    const SearchSettings settings = read_search(root.table("search"));
    const std::vector<const toml::table*> layers = base();
    StudySearch search{.metric = settings.metric,
                       .metric_place = source_place(root.table("search"), "metric"),
                       .training = settings.training,
                       .configurations = settings.trials,
                       .trials = {}};
    OwnedNodes owned;
    for (const DrawnTrial& drawn : draw_trials(settings, root, known_, owned)) {
      const auto reader = [&] {
        return TomlReader(root.file(), "search", layers, values_, drawn.combination);
      };
      add_trial(study, read_one(study, reader(), drawn.combination), reader);
      continue_shorter(study.trials.back(), settings, drawn.rung, root);
      search.trials.push_back(drawn.name);
    }
    study.searches.push_back(std::move(search));
  }

  struct ReadTrial {
    TrialSpec spec;
    std::optional<Reference> from;  ///< Its own `trial` is not known yet.
    const char* named_by;           ///< "name" or "row".
  };

  /// What a trial says alone; of the study, only the data sets must be known. Several threads do
  /// this.
  [[nodiscard]] ReadTrial read_one(const Study& study, TomlReader trial,
                                   const Combination& combination) const {
    const std::string row = trial.text("row", std::nullopt);
    const std::string name = trial.text("name", "");
    const toml::node* from = trial.table("pretrain").node("from");
    if (from != nullptr && !from->is_string()) {
      trial.table("pretrain").fail("from", "must be TRIAL or FILE.toml:TRIAL");
    }
    ReadTrial read{read_trial(trial), std::nullopt, name.empty() ? "row" : "name"};
    TrialSpec& spec = read.spec;
    spec.group = study.name;
    spec.row = axis_label(row, combination, trial, true);
    spec.name = name.empty() ? trial_name(spec.row) : axis_label(name, combination, trial, false);
    if (!name.empty() && trial_name(spec.name) != spec.name) {
      trial.fail("name", "gives \"" + spec.name + "\": must be of a-z 0-9 . + -");
    }
    const auto known = [&](const DatasetSpec& each) { return each.name == spec.dataset; };
    if (std::none_of(study.datasets.begin(), study.datasets.end(), known)) {
      std::vector<std::string> valid;
      valid.reserve(study.datasets.size());
      for (const DatasetSpec& each : study.datasets) valid.push_back(each.name);
      trial.fail("dataset",
                 "the study defines no such data set" + nearest_hint(spec.dataset, valid));
    }
    check_trial(study, spec, [&](const std::string& key) { return trial.where(key); });
    if (from != nullptr) read.from = Reference{0, *from->value<std::string>(), from->source()};
    return read;
  }

  /// `reader` makes the trial's reader again, for an error.
  template <typename MakeReader>
  void add_trial(Study& study, ReadTrial read, const MakeReader& reader) {
    const std::string& name = read.spec.name;
    if (name.empty() || !names_.insert(name).second) {
      reader().fail(read.named_by, "gives the trial name \"" + name +
                                       "\", which is empty or stands twice; choose another label");
    }
    if (read.from) {
      read.from->trial = study.trials.size();
      references_.push_back(*std::move(read.from));
    }
    study.trials.push_back(std::move(read.spec));
  }

  const StudyDocument& document_;
  std::shared_ptr<const TomlReader::Values> values_;
  const Observations& known_;
  std::vector<std::filesystem::path>& open_;
  std::set<std::string> names_;
  std::vector<Reference> references_;
};

Study read_study(const std::string& text, const std::filesystem::path& path,
                 const Observations& known, std::vector<std::filesystem::path>& open) {
  open.push_back(path.lexically_normal());
  const StudyDocument document = load_document(text, path);
  Study study = Reading(document, known, open).read();
  open.pop_back();
  return study;
}

}  // namespace

std::string SourcePlace::text() const {
  return *file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string DatasetSpec::recipe() const {
  const boost::json::array volume_size(volume.begin(), volume.end());
  const boost::json::array names(label_names.begin(), label_names.end());
  boost::json::object recipe{{"importer", importer},
                             {"kind", kind},
                             {"split", split},
                             {"source", source},
                             {"list", list},
                             {"height", height},
                             {"width", width},
                             {"slice_axis", slice_axis},
                             {"label_names", names},
                             {"labelled_slices_only", labelled_slices_only},
                             {"mixed_orientation", mixed_orientation},
                             {"subjects", subjects},
                             {"volume", volume_size},
                             {"test_subjects", test_subjects},
                             {"seed", seed}};
  // Only where there are some: files that were imported without keep their names.
  boost::json::object groups;
  for (const auto& [group, labels] : label_groups) {
    groups[group] = boost::json::array(labels.begin(), labels.end());
  }
  if (!groups.empty()) recipe["label_groups"] = std::move(groups);
  return canonical_json(recipe);
}

const DatasetSpec& Study::dataset(const std::string& dataset_name) const {
  for (const DatasetSpec& spec : datasets) {
    if (spec.name == dataset_name) return spec;
  }
  throw_invalid(path.string() + ": no data set \"" + dataset_name + "\"");
}

Study parse_study(const std::string& text, const std::filesystem::path& path,
                  const Observations& known) {
  std::vector<std::filesystem::path> open;
  return read_study(text, path, known, open);
}

Study load_study(const std::filesystem::path& path, const Observations& known) {
  if (std::filesystem::is_directory(path)) return load_study_folder(path, known);
  return parse_study(read_study_text(path), path, known);
}

}  // namespace reprise::sweep
