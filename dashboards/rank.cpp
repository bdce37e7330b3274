#include "dashboards/rank.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "dashboards/render.h"

namespace reprise::dashboards {
namespace {

/// Ranked by what is printed, so that equal texts never carry different marks; less is better.
double key(const Cell& cell) {
  const double mean = std::stod(mean_text(cell.metric, *cell.mean));
  return smaller_is_better(cell.metric) ? mean : -mean;
}

void rank_cells(const std::vector<Cell*>& cells, bool second) {
  std::set<double> printed;
  for (const Cell* cell : cells) printed.insert(key(*cell));
  for (Cell* cell : cells) {
    const double own = key(*cell);
    if (own == *printed.begin()) cell->rank = Rank::Best;
    if (second && printed.size() > 1 && own == *std::next(printed.begin())) {
      cell->rank = Rank::Second;
    }
  }
}

void rank_rows(Table& table, const Block& block) {
  for (Row& row : table.rows) {
    std::vector<Cell*> cells;
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      if (row.cells[i].mean && !block.columns[i].reference) cells.push_back(&row.cells[i]);
    }
    rank_cells(cells, true);
  }
}

void rank_all_columns(Table& table, bool second) {
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    std::vector<Cell*> cells;
    for (Row& row : table.rows) {
      if (row.cells[column].mean && !row.reference) cells.push_back(&row.cells[column]);
    }
    rank_cells(cells, second);
  }
}

void rank_against_first(Table& table) {
  for (Row& row : table.rows) {
    if (row.cells.empty() || !row.cells.front().mean) continue;
    const double base = key(row.cells.front());
    for (std::size_t i = 1; i < row.cells.size(); ++i) {
      Cell& cell = row.cells[i];
      if (!cell.mean || key(cell) == base) continue;
      cell.rank = key(cell) < base ? Rank::Better : Rank::Worse;
    }
  }
}

/// Cells that beat HR: the reference row's cell of the column, or the reference column's of the
/// row.
void mark_above_reference(Table& table, const Block& block) {
  const auto mark = [](const Cell& reference, Cell& cell) {
    cell.above_reference = reference.mean && cell.mean && key(cell) < key(reference);
  };
  for (const Row& reference : table.rows) {
    if (!reference.reference) continue;
    for (Row& row : table.rows) {
      for (std::size_t i = 0; i < row.cells.size(); ++i) mark(reference.cells[i], row.cells[i]);
    }
  }
  for (std::size_t i = 0; i < block.columns.size(); ++i) {
    if (!block.columns[i].reference) continue;
    for (Row& row : table.rows) {
      for (Cell& cell : row.cells) mark(row.cells[i], cell);
    }
  }
}

}  // namespace

bool smaller_is_better(const std::string& metric) {
  return metric == "FID" || metric.rfind("MACs", 0) == 0 || metric.rfind("params", 0) == 0;
}

void rank_columns(Table& table) {
  for (Row& row : table.rows) {
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      if (row.cells[i].metric.empty()) row.cells[i].metric = table.columns[i];
    }
  }
  rank_all_columns(table, true);
}

void rank_table(Table& table, const Definition& definition, const Block& block) {
  if (definition.rank == RankBy::Rows) rank_rows(table, block);
  if (definition.rank == RankBy::Columns) rank_all_columns(table, true);
  if (definition.rank == RankBy::Best) rank_all_columns(table, false);
  if (definition.rank == RankBy::Baseline) rank_against_first(table);
  table.between_columns = definition.rank == RankBy::Rows;
  if (definition.mark_above_reference) mark_above_reference(table, block);
}

}  // namespace reprise::dashboards
