#pragma once
/// Where a model's weights are, and what is known of it: a stage of a workspace, or a file.

#include <boost/json/object.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/store.h"
#include "sweep/plan.h"

namespace reprise::cli {

/// A stage of the database that has weights.
struct StageRecord {
  std::string study;
  sweep::Stage stage;
  boost::json::object result;       ///< Body of its result (wire.h).
  std::vector<std::string> trials;  ///< Names of the trials that use it.
};

struct ModelSource {
  std::filesystem::path weights;
  boost::json::object network;       ///< Complete configuration; empty if nobody told.
  std::int64_t scale = 0;            ///< 0 if nobody told.
  std::optional<StageRecord> stage;  ///< Of a model that is a stage.
};

/// Opens a workspace's database to read. Errors: InvalidInput where there is none.
std::unique_ptr<db::Store> open_results(const std::filesystem::path& workspace);

/// The trained stage that `name` means: the beginning of a stage's id (4 digits at least), or the
/// name of a trial, whose last training it then is.
/// Errors: InvalidInput (none, with the nearest trial; several; not done yet), Corrupt.
StageRecord find_trained_stage(const db::Store& store, const std::string& name);

/// The file of a trained stage's weights, its bytes checked against its name.
/// Errors: Corrupt, InvalidInput.
std::filesystem::path weights_of(const StageRecord& record, const std::filesystem::path& workspace);

/// A file if `name` is one (what it says of itself in "reprise.*" metadata is taken over), else a
/// stage. Errors: those of `find_trained_stage`; Corrupt.
ModelSource find_model(const std::string& name, const std::filesystem::path& workspace);

}  // namespace reprise::cli
