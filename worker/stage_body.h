#pragma once
/// The kinds of stages, and the body of their results (documented in wire.h).

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <optional>

#include "orchestrator/wire.h"
#include "sweep/error.h"
#include "worker/stage_runner.h"

namespace reprise::worker {

/// Result body, or how far it came when it was asked to stop.
struct StageWork {
  std::optional<boost::json::object> body;  ///< At rank 0 of a finished stage.
  std::int64_t stopped_at = -1;             ///< -1: finished.
};

/// All throw `Error` and c10::Error; a GangError strikes all ranks alike.
StageWork run_training(const wire::Assign& assign, const StageContext& context);
StageWork run_evaluation(const wire::Assign& assign, const StageContext& context);
StageWork run_profile(const wire::Assign& assign, const StageContext& context);
StageWork run_import(const wire::Assign& assign, const StageContext& context);

/// Calls `setup` on every rank, then compares notes: where it failed on any rank, every rank throws
/// GangError with the first failure's code and text.
void agree(Collective& collective, const std::function<void()>& setup);

/// Turns the exception in flight into an Error; c10 and allocation failures included.
Error current_error();

}  // namespace reprise::worker
