#pragma once
/// What the pages ask for, as pure functions of the database: one JSON object each.
///
/// Times are Unix milliseconds, durations seconds. Text comes as it stands in the database: a page
/// must show it as text, never as HTML. Unknown studies and stages throw InvalidInput.

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dashboards/web/study_view.h"
#include "db/store.h"

namespace reprise::dashboards::web {

/// {"study", "title", "planned_at", "trials": {state: count}, "stages": {state:
/// count}, "steps": {"total", "done", "alone"}, "seconds": {"spent", "saved", "left"}, "running":
/// [attempt...], "problems": [{"stage", "label", "kind", "attempts", "message", "time"}...],
/// "tables": [name...]}
boost::json::object study_summary(const StudyView& view);

/// {"study", "title", "axes": [name...], "metrics": [name...], "trials": [{"name", "row", "state",
/// "stages": {role: id}, "axes": [value...], "metrics": [[mean, std, count] or null...],
/// "seconds", "steps", "steps_done"}...]}. `metrics`: per evaluation stage, in the order of
/// StudyView::plan.trials.
boost::json::object study_trials(const StudyView& view,
                                 const std::vector<std::vector<db::MetricSummary>>& metrics);

/// {"study", "stages": [{"id", "kind", "label", "dataset", "steps", "state", "inputs": {role: id},
/// "users", "committed", "attempts"}...], "attempts": [ATTEMPT...]}
boost::json::object study_stages(const StudyView& view);

/// {"study", "tables": [TABLE...] (its own), "paper": [TABLE...] (the paper's ten, block by block,
/// with what this study fills of them)}. TABLE: {"name", "title", "paper" (number or
/// empty), "filled", "columns", "rows": [{"label", "reference", "cells": [{"text", "metric",
/// "stage", "mean"?, "std"?, "count", "rank"?, "above_reference"?, "paper"?, "missing"?}]}]}.
boost::json::object study_tables(const db::Store& store, const StudyView& view);

/// Provenance of one stage: {"id", "kind", "label", "dataset", "dataset_digest", "config",
/// "options", "steps", "state", "checkpoints": [{"file", "bytes"}...] (those that lie in the
/// workspace now, by name), "attempts": [ATTEMPT...], "result"?: {"scalars", "artifacts",
/// "provenance", "metrics": [[name, mean, std, count]...], "curve_points"}, "used_by": [{"study",
/// "trial"}...], "graph": [{"id", "kind", "label", "state", "inputs"}...] (the stage and all it
/// stands on, inputs first)}. Errors: Corrupt, if the result's hash does not fit.
boost::json::object stage_provenance(const db::Store& store, const std::filesystem::path& workspace,
                                     const std::string& id);

/// {"id", "total", "points": [[step, loss]...]}: at most `points` of them, which keep the curve's
/// shape. Empty where the stage has no result or no curve.
boost::json::object stage_curve(const db::Store& store, const std::string& id, std::size_t points);

/// {"id", "metric", "rows": [[subject, slice, value]...]}
boost::json::object stage_rows(const db::Store& store, const std::string& id,
                               const std::string& metric);

/// The evaluations of two stages over what both have, as `comparison_json` says, "a" and "b" being
/// their ids. Errors: InvalidInput, if one is no finished evaluation.
boost::json::object stage_compare(const db::Store& store, const std::string& a,
                                  const std::string& b);

/// {"datasets": [{"name", "digest", "path", "info": {...}}...]}
boost::json::object dataset_list(const db::Store& store);

/// {"events": [{"id", "time", "kind", "text"}...], "next": id or null}; newest first.
boost::json::object event_list(const db::Store& store, std::int64_t before, std::int64_t limit);

/// The last `bytes` of an attempt's log: {"fence", "gang", "file", "text", "cut"}. Without a file
/// the text is empty and "missing" says so.
boost::json::object attempt_log(const db::Store& store, const std::filesystem::path& workspace,
                                const std::string& stage, std::int64_t fence, std::size_t bytes);

/// ATTEMPT: {"fence", "stage", "gang", "host", "device", "ranks", "started", "ended" or null,
/// "outcome" (empty while it runs), "message"}.
boost::json::object attempt_json(const db::AttemptRow& attempt);

/// {ROLE: stage id...}: what a stage stands on.
boost::json::object inputs_json(const sweep::Stage& stage);

}  // namespace reprise::dashboards::web
