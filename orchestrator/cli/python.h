#pragma once
/// Runs one of the plotting scripts (dashboards/plots/), which are built into the program, with the
/// Python environment that ./reprise sets up.

#include <boost/json/object.hpp>
#include <string>

namespace reprise::cli {

/// "figures" or "report": the script gets `request` as JSON on its standard input and writes files.
/// Errors: Unavailable where there is no Python with matplotlib, or the script failed (with the
/// last line that it said).
void run_plot_script(const std::string& script, const boost::json::object& request);

}  // namespace reprise::cli
