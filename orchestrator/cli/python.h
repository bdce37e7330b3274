#pragma once
/// Runs the plotting script (dashboards/plots/figures.py), which is built into the program, with
/// the Python environment that ./reprise sets up.

#include <boost/json/object.hpp>
#include <string>

namespace reprise::cli {

/// The script gets `request` as JSON on its standard input and writes files.
/// Errors: Unavailable where there is no Python with matplotlib, or the script failed (with the
/// last line that it said).
void run_plot_script(const boost::json::object& request);

}  // namespace reprise::cli
