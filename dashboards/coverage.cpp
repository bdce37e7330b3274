#include "dashboards/coverage.h"

#include "dashboards/paper.h"

namespace reprise::dashboards {

const sweep::Trial* PlannedTrials::find(const std::string& study, const std::string& name) const {
  const sweep::Trial* trial = index_.find(study + "." + name);
  return trial == nullptr && study == study_ ? index_.find(name) : trial;
}

std::string stage_of_metric(const sweep::Trial& trial, const std::string& metric) {
  const bool profiled = metric == "MACs(G)" || metric == "params(M)" || metric == "FPS";
  const bool segmented = metric.rfind("Dice-", 0) == 0;
  if (segmented && !trial.stages.contains("segmenter")) return "";
  const auto found = trial.stages.find(profiled ? "profile" : "evaluate");
  return found == trial.stages.end() ? "" : found->second;
}

std::vector<CellSource> cell_sources(const sweep::Plan& plan) {
  const PlannedTrials trials(plan);
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
          const sweep::Trial* trial = trials.find(table.study, cell_trial(row, column));
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
