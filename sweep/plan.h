#pragma once
/// What a study comes to: its trials and the distinct stages they share.

#include <map>
#include <string>
#include <vector>

#include "sweep/stage.h"

namespace reprise::sweep {

/// One combination of a study: one row of its tables.
struct Trial {
  std::string name;  ///< Unique in the study, [A-Za-z0-9._+()-]{1,128}: "finetune-e1".
  std::string row;   ///< Row label of the tables: "E(1)".
  std::map<std::string, std::string> stages;  ///< Role ("evaluate", "finetune", ...) to stage id.
};

/// `[[tables]]`: the rows are the trials of its group, in order.
struct TableSpec {
  std::string name, title;
  std::string group;  ///< As in `TrialSpec` (study.h).
  std::vector<std::string> columns;
  std::string paper;                              ///< Number of the paper's table, or empty.
  std::map<std::string, std::string> paper_rows;  ///< Row label here to row label there.
};

struct Plan {
  std::string study, title;
  std::vector<TableSpec> tables;
  std::vector<Stage> stages;  ///< Distinct, every stage after its inputs.
  std::vector<Trial> trials;  ///< In the order of the tables' rows.
};

}  // namespace reprise::sweep
