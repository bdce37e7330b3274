#pragma once
/// A study: the TOML file in which a researcher declares a sweep once. docs/study.md is its manual.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sweep/plan.h"

namespace reprise::sweep {

/// Where something stands in a study's files, for errors that are found after it is read.
struct SourcePlace {
  std::shared_ptr<const std::string> file;
  std::uint32_t line = 0, column = 0;
  /// "FILE:LINE:COLUMN".
  [[nodiscard]] std::string text() const;
};

/// How a data set comes into being: `[datasets.NAME]`.
struct DatasetSpec {
  std::string name;
  SourcePlace place;
  std::string importer;  ///< "phantom", "oasis", "brats", "acdc", "covid" or "generic".
  std::string kind;      ///< Phantom: "brain", "tumour", "cardiac" or "lung".
  std::string source;    ///< Folder of the raw files (not for "phantom"); may be overridden.
  std::string list;      ///< CSV of the generic importer, absolute.
  std::int64_t height = 0, width = 0;    ///< Slice size after the centre crop, pixels.
  std::int64_t slice_axis = 2;           ///< Generic importer: axis of the slices in the file.
  std::vector<std::string> label_names;  ///< Empty: the importer's.
  /// Further regions that Dice is reported for: name to names of labels.
  std::map<std::string, std::vector<std::string>> label_groups;
  std::string split;  ///< "auto", "paper", "seeded", "all-train" or an absolute .csv path.
  bool labelled_slices_only = false;  ///< Generic importer: drop slices without any label.
  bool mixed_orientation = false;     ///< Generic importer: scans may lie differently.
  std::int64_t subjects = 0;          ///< Phantom: how many are made.
  std::vector<std::int64_t> volume;   ///< Phantom: voxels x, y, z of a volume.
  std::int64_t test_subjects = 0;     ///< Held out by a seeded split; 0: what `split` says.
  std::int64_t seed = 0;

  /// Everything above but the name, as canonical JSON: the recipe that an imported file must match.
  [[nodiscard]] std::string recipe() const;
};

/// A training recipe: `loss` and TRAIN as in sweep/stage.h.
struct Training {
  boost::json::array loss;
  boost::json::object train;
  std::int64_t checkpoint_every = 50;
  std::int64_t checkpoints_kept = 2;
  /// Of a search: the steps of the shorter trainings that this one goes on from, ascending.
  std::vector<std::int64_t> continues = {};
  bool keep_state = false;  ///< Its last state stays, for a longer one to go on from.
};

/// Weights from elsewhere, `[weights]`: a file by its content, or random ones by a seed.
struct WeightsSpec {
  SourcePlace place;
  std::filesystem::path path;  ///< Empty: random.
  std::string sha256;          ///< "missing:..." while there is no such file.
  [[nodiscard]] bool missing() const { return sha256.starts_with("missing:"); }
};

/// One trial with every default written out.
struct TrialSpec {
  std::string name;   ///< Unique in the study; in a folder of studies "STUDY.TRIAL".
  std::string group;  ///< The study of a folder that declares it; else the study's own name.
  std::string row, dataset;
  std::string method;  ///< "network", "bicubic" or "hr".
  boost::json::object network;
  std::int64_t scale = 4, seed = 1;
  double noise = 0;
  std::string precision;
  std::string init;          ///< Of fresh linear layers (sweep/protocol.h).
  std::string unet_from;     ///< The data set whose U-Net drives the loss; usually `dataset`.
  std::int64_t samples = 4;  ///< Test slices kept as images.
  bool profile = false;      ///< Measure the network's size and speed.
  boost::json::object unet;
  Training segmenter, pretrain;
  std::optional<Training> finetune;
  std::shared_ptr<const TrialSpec> pretrain_of;  ///< `pretrain.from`: this trial's is used.
  bool segmented = true;                         ///< Evaluate Dice with the data set's U-Net.
  SourcePlace segmented_place, unet_from_place;
};

/// `[search]`: what a run must know to go on with it. The study's trials hold what is decided.
struct StudySearch {
  std::string metric;  ///< "validation", or a column of tables.
  SourcePlace metric_place;
  std::string training;  ///< "pretrain" or "finetune".
  std::size_t configurations = 0;
  std::vector<std::string> trials;  ///< Names of its trials.
};

/// What the trials of searches came to, by their names: greater is better, minus infinity where a
/// trial failed for good.
using Observations = std::map<std::string, double>;

struct Study {
  std::filesystem::path path;
  std::string name, title;
  SourcePlace name_place;
  std::string text;  ///< With all that it includes: what the database keeps.
  std::vector<DatasetSpec> datasets;
  std::map<std::string, WeightsSpec> weights;  ///< "vgg19", "resnet34", "inception".
  std::vector<TrialSpec> trials;
  std::vector<TableSpec> tables;
  std::vector<StudySearch> searches;  ///< At most one a file.

  [[nodiscard]] const DatasetSpec& dataset(const std::string& dataset_name) const;
};

/// Reads and checks a study file, or a folder of studies (its *.toml, numbers in order of size) as
/// one: trials and tables are prefixed with their study's name, data sets of one name must be
/// equal. Of a search, it has the trials that `known` decides.
/// Errors: InvalidInput naming file, line, column, key and value.
Study load_study(const std::filesystem::path& path, const Observations& known = {});

/// The same from text; `path` stands in the errors and is the base of relative paths.
Study parse_study(const std::string& text, const std::filesystem::path& path,
                  const Observations& known = {});

/// Errors: InvalidInput naming file, line and column for a file of [weights] that is not there: a
/// plan needs none, a run does.
void require_weights(const Study& study);

/// Trials to stages; stages that are equal are one. `digests`: data set name to content digest.
Plan make_plan(const Study& study, const std::map<std::string, std::string>& digests);

}  // namespace reprise::sweep
