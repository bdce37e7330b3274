#pragma once
/// Where a plan and its results differ from the paper: for the report, so that nobody takes a small
/// run for the paper's.

#include <set>
#include <string>
#include <vector>

#include "dashboards/table.h"
#include "sweep/plan.h"

namespace reprise::dashboards {

/// A setting of some stages that is not the paper's.
struct SetupDeviation {
  std::string kind;            ///< "pretrain", ..., or "network rdst".
  std::string key;             ///< "train.steps".
  std::string paper;           ///< JSON.
  std::set<std::string> here;  ///< JSON, all values.
  std::size_t stages = 0;      ///< How many stages of the plan have one of them.
};

/// Settings of trainings and evaluations against the defaults of study files, which are the paper's
/// (sections 4.1 and 4.3), and networks against the nearest one of their architecture that the
/// paper names. Losses and seeds are what studies vary: not listed.
std::vector<SetupDeviation> setup_deviations(const sweep::Plan& plan);

/// A table's values against the paper's.
struct ValueDeviation {
  std::string title;
  std::size_t published = 0;   ///< Cells of the paper.
  std::size_t measured = 0;    ///< Of these, how many have a value here.
  std::size_t within_std = 0;  ///< Of these, how many lie within the paper's standard deviation.
  std::size_t with_std = 0;    ///< For how many the paper gives one.
  std::string largest;         ///< The cell that differs most, relative to the paper's value.
};

ValueDeviation value_deviation(const Table& table);

}  // namespace reprise::dashboards
