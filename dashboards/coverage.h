#pragma once
/// Which of the paper's 626 published cells a plan would fill, and by which trial and stage.

#include <string>
#include <vector>

#include "dashboards/definition.h"
#include "sweep/plan.h"
#include "sweep/plan_index.h"

namespace reprise::dashboards {

struct CellSource {
  std::string table, row, column;  ///< As in paper-tables.csv.
  std::string trial;               ///< In the plan ("table6.e1"); empty where the plan has none.
  std::string metric;
  std::string stage;  ///< The stage whose result holds the metric.
};

/// The trials that definitions name, in a plan of one study alone or of a folder; the plan must
/// outlive it.
class PlannedTrials {
 public:
  explicit PlannedTrials(const sweep::Plan& plan) : study_(plan.study), index_(plan.trials) {}
  /// Null where the plan has none.
  [[nodiscard]] const sweep::Trial* find(const std::string& study, const std::string& name) const;

 private:
  std::string study_;
  sweep::TrialIndex index_;
};

/// The stage of a trial that measures a metric; empty where none does.
std::string stage_of_metric(const sweep::Trial& trial, const std::string& metric);

/// Every published cell, in the tables' order. A cell is covered when its `stage` is not empty.
std::vector<CellSource> cell_sources(const sweep::Plan& plan);

}  // namespace reprise::dashboards
