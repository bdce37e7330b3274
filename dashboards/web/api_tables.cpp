// Tables: a study's own, and the paper's ten with what the study fills of them.
#include <algorithm>
#include <boost/json/array.hpp>

#include "dashboards/definition.h"
#include "dashboards/render.h"
#include "dashboards/table.h"
#include "dashboards/web/api.h"

namespace reprise::dashboards::web {
namespace {

namespace json = boost::json;

const char* rank_name(Rank rank) {
  switch (rank) {
    case Rank::Best:
      return "best";
    case Rank::Second:
      return "second";
    case Rank::Better:
      return "better";
    case Rank::Worse:
      return "worse";
    case Rank::None:
      break;
  }
  return "";
}

json::object cell_json(const std::string& column, const Cell& cell) {
  const std::string& metric = cell.metric.empty() ? column : cell.metric;
  json::object object{{"text", cell.mean ? cell_text(metric, cell) : ""},
                      {"count", cell.count},
                      {"metric", metric},
                      {"stage", cell.stage}};
  if (cell.mean) {
    object["mean"] = *cell.mean;
    object["std"] = cell.std;
  }
  if (cell.rank != Rank::None) object["rank"] = rank_name(cell.rank);
  if (cell.above_reference) object["above_reference"] = true;
  if (!cell.paper.empty()) object["paper"] = cell.paper;
  if (!cell.missing.empty()) object["missing"] = cell.missing;
  return object;
}

/// `paper`: the number in the paper, or empty.
json::object table_json(const Table& table, const std::string& name, const std::string& paper) {
  json::array rows;
  std::size_t filled = 0;
  for (const Row& row : table.rows) {
    json::array cells;
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      cells.push_back(cell_json(table.columns[c], row.cells[c]));
      filled += row.cells[c].mean ? 1U : 0U;
    }
    rows.push_back(
        {{"label", row.label}, {"reference", row.reference}, {"cells", std::move(cells)}});
  }
  return {{"name", name},
          {"title", table.title},
          {"paper", paper},
          {"filled", filled},
          {"columns", json::array(table.columns.begin(), table.columns.end())},
          {"rows", std::move(rows)}};
}

}  // namespace

json::object study_tables(const db::Store& store, const StudyView& view) {
  json::array own;
  for (const sweep::TableSpec& spec : view.plan.tables) {
    own.push_back(table_json(build_table(store, spec, view.plan), spec.name, spec.paper));
  }
  json::array paper;
  for (const Definition& definition : paper_tables()) {
    for (const Table& block : build_tables(&store, definition, view.plan, "reprise run")) {
      paper.push_back(table_json(block, "table" + definition.number, definition.number));
    }
  }
  return {{"study", view.name}, {"tables", std::move(own)}, {"paper", std::move(paper)}};
}

}  // namespace reprise::dashboards::web
