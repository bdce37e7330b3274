#pragma once
/// The Python scripts of dashboards/plots, which are built into the program, run with the Python
/// environment that ./reprise sets up.

#include <boost/json/object.hpp>
#include <filesystem>
#include <string>

namespace reprise::cli {

/// Draws figures: the script gets `request` as JSON on its standard input and writes files.
/// Errors: Unavailable where there is no Python with matplotlib, or the script failed (with the
/// last line that it said).
void run_plot_script(const boost::json::object& request);

/// Prints an HTML page to a PDF file. Errors: as above, of WeasyPrint.
void print_page(const std::filesystem::path& page, const std::filesystem::path& pdf);

}  // namespace reprise::cli
