#include "dashboards/table.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "dashboards/paper.h"
#include "dashboards/render.h"
#include "sweep/error.h"

namespace reprise::dashboards {
namespace {

bool smaller_is_better(const std::string& column) {
  return column == "FID" || column == "MACs" || column == "params";
}

Cell make_cell(const db::Store& store, const sweep::Trial& trial, const std::string& column) {
  const std::string& stage = trial.stages.at("evaluate");
  if (!store.is_done(stage)) {
    Cell cell;
    cell.missing = "evaluate " + trial.row + " is not done";
    return cell;
  }
  std::vector<double> values;
  for (const auto& slice : store.slice_values(stage, column)) values.push_back(slice.value);
  return summarise(values);
}

}  // namespace

Cell summarise(const std::vector<double>& values) {
  Cell cell;
  cell.count = values.size();
  if (values.empty()) return cell;
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += value;
  const double mean = sum / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  cell.mean = mean;
  cell.std = std::sqrt(squares / count);
  return cell;
}

void rank_columns(Table& table) {
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    const std::string& name = table.columns[column];
    // Ranked by what is printed, so that equal texts never carry different marks.
    std::set<double> printed;
    const auto key = [&](const Row& row) {
      const double mean = std::stod(mean_text(name, *row.cells[column].mean));
      return smaller_is_better(name) ? mean : -mean;
    };
    for (const Row& row : table.rows) {
      if (!row.reference && row.cells[column].mean) printed.insert(key(row));
    }
    for (Row& row : table.rows) {
      if (row.reference || !row.cells[column].mean) continue;
      const auto place = std::distance(printed.begin(), printed.find(key(row)));
      row.cells[column].rank = place == 0 ? Rank::Best : place == 1 ? Rank::Second : Rank::None;
    }
  }
}

Table build_table(const db::Store& store, const sweep::TableSpec& spec, const sweep::Study& study,
                  const sweep::Plan& plan) {
  Table table{.name = spec.name, .title = spec.title, .columns = spec.columns, .rows = {}};
  REPRISE_CHECK(study.trials.size() == plan.trials.size());
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    const sweep::Trial& trial = plan.trials[i];
    Row row{.label = trial.row, .reference = study.trials[i].method == "hr", .cells = {}};
    for (const std::string& column : spec.columns) {
      Cell cell = make_cell(store, trial, column);
      const auto paper_row = spec.paper_rows.find(trial.row);
      if (!spec.paper.empty() && paper_row != spec.paper_rows.end()) {
        if (const auto value = paper_value(spec.paper, paper_row->second, column)) {
          cell.paper = value->text;
        }
      }
      row.cells.push_back(std::move(cell));
    }
    table.rows.push_back(std::move(row));
  }
  rank_columns(table);
  return table;
}

}  // namespace reprise::dashboards
