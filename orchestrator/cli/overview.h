#pragma once
/// The dashboard's first page on a terminal: how far every study is, who works, what needs a
/// person.

#include <boost/json/object.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "db/store.h"

namespace reprise::cli {

/// What the coordinator of a workspace says of its gangs and of the stages that run, as /api/live
/// tells the pages. Empty where none runs, or where it starts or ends just now.
std::optional<boost::json::object> running_sweep(const std::filesystem::path& workspace);

/// {"live", "studies": [as web::study_summary...], "run"? (as `running_sweep`)}
boost::json::object overview_json(const db::Store& store, const std::filesystem::path& workspace);

/// The same for a terminal; `now` in Unix milliseconds. Control characters of names become "?".
std::string overview_text(const boost::json::object& overview, std::int64_t now);

}  // namespace reprise::cli
