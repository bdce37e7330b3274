#include "dashboards/coverage.h"

#include <algorithm>

#include "dashboards/paper.h"

namespace reprise::dashboards {

const sweep::Trial* find_trial(const sweep::Plan& plan, const std::string& study,
                               const std::string& name) {
  const std::string in_folder = study + "." + name;
  const bool alone = plan.study == study;
  const auto found = std::find_if(plan.trials.begin(), plan.trials.end(), [&](const auto& trial) {
    return trial.name == in_folder || (alone && trial.name == name);
  });
  return found == plan.trials.end() ? nullptr : &*found;
}

std::string stage_of_metric(const sweep::Trial& trial, const std::string& metric) {
  const bool profiled = metric == "MACs(G)" || metric == "params(M)" || metric == "FPS";
  const bool segmented = metric.rfind("Dice-", 0) == 0;
  if (segmented && !trial.stages.contains("segmenter")) return "";
  const auto found = trial.stages.find(profiled ? "profile" : "evaluate");
  return found == trial.stages.end() ? "" : found->second;
}

std::vector<CellSource> cell_sources(const sweep::Plan& plan) {
  std::vector<CellSource> cells;
  for (const Definition& table : paper_tables()) {
    for (const Block& block : table.blocks) {
      for (const Entry& row : block.rows) {
        for (const Entry& column : block.columns) {
          if (!paper_value(table.number, row.paper, column.paper)) continue;
          CellSource cell;
          cell.table = table.number;
          cell.row = row.paper;
          cell.column = column.paper;
          cell.metric = cell_metric(row, column);
          const sweep::Trial* trial = find_trial(plan, table.study, cell_trial(row, column));
          if (trial != nullptr) {
            cell.trial = trial->name;
            cell.stage = stage_of_metric(*trial, cell.metric);
          }
          cells.push_back(std::move(cell));
        }
      }
    }
  }
  return cells;
}

}  // namespace reprise::dashboards
