#pragma once
/// Figs. 4 to 7: one test slice as every method shows it. Internal to dashboards/.

#include <boost/json/object.hpp>
#include <filesystem>
#include <string>

#include "db/store.h"
#include "sweep/plan.h"

namespace reprise::dashboards {

/// The methods of Tables 1 to 4 whose evaluations kept images. Empty where none did.
boost::json::object panel_figure(const std::string& figure, const db::Store& store,
                                 const sweep::Plan& plan, const std::filesystem::path& workspace);

}  // namespace reprise::dashboards
