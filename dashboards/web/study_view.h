#pragma once
/// A study as the database shows it at one moment: plan, states, attempts and what they cost.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dashboards/web/axes.h"
#include "db/store.h"
#include "sweep/plan.h"

namespace reprise::dashboards::web {

struct StageView {
  const sweep::Stage* stage = nullptr;
  std::string state;  ///< "done", "running", "failed" (its last attempt ended badly) or "waiting".
  std::int64_t committed = 0;         ///< Unix milliseconds; 0 while it is not done.
  std::vector<std::size_t> attempts;  ///< Indices into StudyView::attempts, by fence.
  int users = 0;                      ///< Trials that stand on it.
  /// What it will take on one gang, where it is not done; empty while no training was measured.
  std::optional<double> expected_seconds;
};

struct StudyView {
  std::string name, title;
  std::int64_t planned_at = 0;
  sweep::Plan plan;
  Axes axes;
  std::vector<db::AttemptRow> attempts;
  std::vector<StageView> stages;                       ///< In the order of the plan.
  std::unordered_map<std::string, std::size_t> index;  ///< Stage id to its place.

  [[nodiscard]] const StageView* find(const std::string& stage) const;
};

/// The state of a stage without a result, by its last attempt (null: none). What a person cancelled
/// waits: it needs nobody.
std::string state_without_result(const db::AttemptRow* last);

/// Reads a study. Empty for an unknown one.
std::optional<StudyView> load_study_view(const db::Store& store, const std::string& study);

/// "failed" before "running" before "done" before "waiting", over the stages of a trial; "done"
/// only when its evaluation is.
std::string trial_state(const StudyView& view, const sweep::Trial& trial);

/// What sharing saved and what is left, in training steps and in gang seconds.
struct Cost {
  std::int64_t steps_total = 0;  ///< Of the distinct stages.
  std::int64_t steps_done = 0;
  std::int64_t steps_alone = 0;  ///< If every trial ran its stages itself.
  double seconds_spent = 0;      ///< Over all attempts that ended.
  double seconds_saved = 0;      ///< Of finished stages: their time, once for each further trial.
  /// What is left takes so long on one gang, by what was measured (sweep/cost_book.h). Empty while
  /// nothing was and a training is left.
  std::optional<double> seconds_left;
};
Cost cost_of(const StudyView& view);

}  // namespace reprise::dashboards::web
