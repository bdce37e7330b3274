#pragma once
/// What comes with exported weights: what they are, where they come from, how good they are.

#include <boost/json/object.hpp>
#include <string>

#include "db/store.h"
#include "orchestrator/cli/model_source.h"

namespace reprise::cli {

/// {"name", "kind", "stage", "study", "trials", "config", "dataset": {"name", "digest"},
/// "inputs": {role: stage}, "weights": {"sha256", "bytes", "tensors", "parameters"},
/// "metrics": [{"stage", "dataset", "values": {metric: {"mean", "std", "count"}}}], "scalars",
/// "provenance"}. Metrics are those of every evaluation of these weights that is done.
boost::json::object model_card(const db::Store& store, const StageRecord& record,
                               const std::filesystem::path& weights);

/// The card for people.
std::string to_markdown(const boost::json::object& card);

}  // namespace reprise::cli
