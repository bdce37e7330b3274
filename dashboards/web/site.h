#pragma once
/// The whole dashboard as a list of pages: static files, and JSON and pictures from one database.
///
/// Knows no HTTP server: whoever serves it asks for a page's handler. Reads only, over its own
/// connection, so that it may answer in another thread than the coordinator's.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <filesystem>

namespace reprise::dashboards::web {

struct Answer {
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  unsigned status = 200;
};

struct Page {
  std::string pattern;  ///< "/api/stage/{id}": a parameter is one path segment.
  bool open = false;    ///< Holds no data: anybody may see it.
  /// Parameters of the pattern and of the query, in one map. Throws Error.
  std::function<Answer(const std::map<std::string, std::string>&)> handler;
};

class Site {
 public:
  /// `live`: a coordinator serves this site, and says so to the pages. Errors: as db::Store.
  Site(std::filesystem::path workspace, bool live);
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  Site(Site&&) = delete;
  Site& operator=(Site&&) = delete;

  /// GET pages; they hold a reference to this site. Calls may come from any thread.
  [[nodiscard]] std::vector<Page> pages();
  /// Grows whenever the database changed: a page that shows an older one asks again.
  [[nodiscard]] std::int64_t revision();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise::dashboards::web
