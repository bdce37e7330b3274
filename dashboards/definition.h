#pragma once
/// A table as it is declared: which trial and which metric stand in which cell. The paper's ten
/// tables are the files of dashboards/tables/, built into the program.
///
/// A cell's trial is STUDY.ROW-COLUMN, of what row and column name; its metric is the row's or else
/// the column's (a column without either names a metric by its label).

#include <string>
#include <string_view>
#include <vector>

#include "sweep/plan.h"

namespace reprise::dashboards {

/// Which cells compete for the marks of best and second best.
enum class RankBy : unsigned char {
  Columns,   ///< The rows of a column.
  Rows,      ///< The columns of a row.
  Best,      ///< The rows of a column; only the best is marked.
  Baseline,  ///< Every cell against the first of its row: better or worse.
};

struct Entry {
  std::string label;
  std::string paper;       ///< The label in paper-tables.csv.
  std::string trial;       ///< Part of the trial's name, or empty.
  std::string metric;      ///< Or empty.
  bool reference = false;  ///< HR: outside the competition.
};

struct Block {
  std::string title;  ///< Empty for a table of one block.
  std::vector<Entry> rows, columns;
};

struct Definition {
  std::string number;  ///< "7"; empty for a study's own table.
  std::string title;
  std::string study;  ///< Whose trials these are: their `TrialSpec::group`.
  RankBy rank = RankBy::Columns;
  bool mark_above_reference = false;  ///< An asterisk where a cell beats HR.
  std::vector<Block> blocks;
};

/// Tables 1 to 10. Errors: none, they are part of the program (a test reads them).
const std::vector<Definition>& paper_tables();

/// Reads a definition. Errors: InvalidInput naming file, line and column.
Definition parse_definition(std::string_view text, const std::string& file);

/// A study's own table, one of `plan.tables`: its trials as rows, metrics as columns.
Definition definition_of(const sweep::TableSpec& spec, const sweep::Plan& plan);

/// The trial's name in a cell: "ROW-COLUMN" of the parts that are named.
std::string cell_trial(const Entry& row, const Entry& column);
/// The metric of a cell.
std::string cell_metric(const Entry& row, const Entry& column);

}  // namespace reprise::dashboards
