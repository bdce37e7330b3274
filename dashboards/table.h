#pragma once
/// A table as values: what stands in which cell, before it is Markdown or anything else.
///
/// A cell is the mean and the population standard deviation of a metric over all slices of all
/// held-out subjects, pooled (the paper's convention).

#include <optional>
#include <string>
#include <vector>

#include "dashboards/definition.h"
#include "db/store.h"
#include "sweep/plan.h"

namespace reprise::dashboards {

/// Better and Worse: than the baseline (Table 10).
enum class Rank : unsigned char { None, Best, Second, Better, Worse };

struct Cell {
  std::optional<double> mean;  ///< Absent: not measured (see `missing`) or undefined for this row.
  double std = 0;
  std::size_t count = 0;  ///< Slices with a value; 0 for one number a stage (FID, MACs).
  Rank rank = Rank::None;
  bool above_reference = false;  ///< Better than HR, where the table marks that.
  std::string missing;           ///< Why there is no value: "evaluate E(1) is not done".
  std::string paper;             ///< The paper's value as printed, or empty.
  std::optional<double> paper_mean;
  std::optional<double> paper_std;
  std::string metric;  ///< What is measured: "Dice-WT".
  std::string trial;   ///< By which trial of the plan, and by which of its stages.
  std::string stage;
};

struct Row {
  std::string label;
  bool reference = false;  ///< HR: not in the competition for best and second best.
  std::vector<Cell> cells;
};

struct Table {
  std::string name, title;
  std::vector<std::string> columns;
  std::vector<Row> rows;
  bool between_columns = false;  ///< The columns of a row compete, not the rows of a column.
};

/// Mean and population standard deviation of values; empty values give an empty cell.
Cell summarise(const std::vector<double>& values);

/// Whether less of a metric is better: FID, MACs, params.
bool smaller_is_better(const std::string& metric);

/// Marks best and second best in every column. Cells that print alike share a mark.
void rank_columns(Table& table);

/// Builds the blocks of a table; `store` may be null: nothing is measured yet. `command` is what
/// fills cells that say what is missing.
std::vector<Table> build_tables(const db::Store* store, const Definition& definition,
                                const sweep::Plan& plan, const std::string& command);

/// Builds a study's own table, one of `plan.tables`, from the database; cells without a result say
/// what is missing.
Table build_table(const db::Store& store, const sweep::TableSpec& spec, const sweep::Plan& plan);

}  // namespace reprise::dashboards
