#pragma once
/// What goes into an assignment, and what is checked of a result before it is committed.

#include <boost/json/object.hpp>
#include <filesystem>
#include <string>

#include "db/store.h"
#include "orchestrator/wire.h"
#include "sweep/stage.h"

namespace reprise {

/// The message that starts `stage` under `fence`. Errors: Corrupt if an input has no weights.
wire::Assign make_assignment(const db::Store& store, const sweep::Stage& stage, std::int64_t fence,
                             const std::filesystem::path& dataset);

/// Every artifact of a result is in WORKSPACE/objects with the size it says. Errors: Corrupt.
void check_artifacts(const boost::json::object& body, const std::filesystem::path& workspace);

}  // namespace reprise
