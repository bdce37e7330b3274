#pragma once
/// A table as values: what stands in which cell, before it is Markdown or anything else.
///
/// A cell is the mean and the population standard deviation of a metric over all slices of all
/// held-out subjects, pooled (the paper's convention).

#include <optional>
#include <string>
#include <vector>

#include "db/store.h"
#include "sweep/plan.h"
#include "sweep/study.h"

namespace reprise::dashboards {

enum class Rank : unsigned char { None, Best, Second };

struct Cell {
  std::optional<double> mean;  ///< Absent: not measured (see `missing`) or undefined for this row.
  double std = 0;
  std::size_t count = 0;  ///< Slices with a value.
  Rank rank = Rank::None;
  std::string missing;  ///< Why there is no value: "evaluate E(1) is not done".
  std::string paper;    ///< The paper's value as printed, or empty.
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
};

/// Mean and population standard deviation of values; empty values give an empty cell.
Cell summarise(const std::vector<double>& values);

/// Marks best and second best in every column; smaller is better where the column is FID, MACs or
/// params. Cells that print alike share a mark.
void rank_columns(Table& table);

/// Builds a study's table from the database; cells without a result say what is missing.
Table build_table(const db::Store& store, const sweep::TableSpec& spec, const sweep::Study& study,
                  const sweep::Plan& plan);

}  // namespace reprise::dashboards
