#pragma once
/// The static files of the site, built into the program: gzip bytes, made by embed.py.

#include <string_view>

namespace reprise::dashboards::web {

struct Asset {
  std::string_view name;  ///< "index.html", "app.js", "plotly.min.js": flat, no folders.
  std::string_view type;  ///< Content-Type.
  std::string_view gzip;  ///< The file, compressed.
};

/// Null for an unknown name.
const Asset* find_asset(std::string_view name);

/// Changes whenever any asset does. Assets live under /assets/VERSION/, so that a browser may keep
/// them for ever; index.html names it.
std::string_view assets_version();

}  // namespace reprise::dashboards::web
