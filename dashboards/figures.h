#pragma once
/// The paper's figures as data: what dashboards/plots/figures.py draws.

#include <boost/json/object.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "db/store.h"
#include "sweep/plan.h"

namespace reprise::dashboards {

/// "3" to "8", "10", "11" and "curves".
const std::vector<std::string>& figure_names();

/// A figure's JSON as figures.py documents it, from what the database holds so far; empty where it
/// holds nothing of it. `workspace`: where the stored images lie. Errors: InvalidInput for an
/// unknown figure.
boost::json::object figure_data(const std::string& figure, const db::Store& store,
                                const sweep::Plan& plan, const std::filesystem::path& workspace);

}  // namespace reprise::dashboards
