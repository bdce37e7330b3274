#include "dashboards/definition.h"

#include <array>
#include <boost/json/value.hpp>

#include "sweep/error.h"
#include "sweep/plan_index.h"
#include "sweep/toml_reader.h"

namespace reprise::dashboards {
namespace {

constexpr std::array kTables = {
#include "table_definitions.inc"
};

Entry read_entry(const toml::node& node, const sweep::TomlReader& block, bool is_column) {
  Entry entry;
  if (const auto* label = node.as_string()) {
    entry.label = entry.metric = entry.paper = label->get();
    return entry;
  }
  if (!node.is_table()) block.fail(is_column ? "columns" : "rows", "must hold texts and tables");
  sweep::TomlReader reader(block.file(), block.path(), {node.as_table()});
  entry.label = reader.text("label", std::nullopt);
  entry.paper = reader.text("paper", entry.label);
  entry.trial = reader.text("trial", "");
  entry.metric = reader.text("metric", is_column && entry.trial.empty() ? entry.label : "");
  entry.reference = reader.boolean("reference", false);
  reader.finish();
  return entry;
}

std::vector<Entry> read_entries(sweep::TomlReader& block, const std::string& key) {
  const toml::node* found = block.node(key);
  if (found == nullptr || !found->is_array() || found->as_array()->empty()) {
    block.fail(key, "must be a list of at least one entry");
  }
  std::vector<Entry> entries;
  for (const toml::node& node : *found->as_array()) {
    entries.push_back(read_entry(node, block, key == "columns"));
  }
  return entries;
}

RankBy rank_from(const std::string& name) {
  if (name == "rows") return RankBy::Rows;
  if (name == "best") return RankBy::Best;
  return name == "baseline" ? RankBy::Baseline : RankBy::Columns;
}

/// Method "hr": it evaluates the truth itself.
bool is_upper_bound(const sweep::StageIndex& stages, const sweep::Trial& trial) {
  const auto role = trial.stages.find("evaluate");
  if (role == trial.stages.end()) return false;
  const sweep::Stage* stage = stages.find(role->second);
  if (stage == nullptr) return false;
  const boost::json::value* method = stage->config.if_contains("method");
  return method != nullptr && *method == "hr";
}

}  // namespace

Definition parse_definition(std::string_view text, const std::string& file) {
  toml::table document;
  try {
    document = toml::parse(text, std::string_view(file));
  } catch (const toml::parse_error& error) {
    throw_invalid(sweep::place_of(error.source(), file) + ": " + std::string(error.description()));
  }
  sweep::TomlReader reader(file, "", {&document});
  Definition table;
  table.number = reader.text("number", "");
  table.title = reader.text("title", std::nullopt);
  table.study = reader.text("study", std::nullopt);
  table.rank = rank_from(reader.choice("rank", "columns", {"columns", "rows", "best", "baseline"}));
  table.mark_above_reference = reader.boolean("mark_above_reference", false);
  for (sweep::TomlReader& block_reader : reader.tables("blocks")) {
    Block block;
    block.title = block_reader.text("title", "");
    const std::string prefix = block_reader.text("paper_prefix", "");
    block.rows = read_entries(block_reader, "rows");
    block.columns = read_entries(block_reader, "columns");
    for (Entry& row : block.rows) row.paper = prefix + row.paper;
    block_reader.finish();
    table.blocks.push_back(std::move(block));
  }
  if (table.blocks.empty()) reader.fail("blocks", "at least one [[blocks]] is needed");
  reader.finish();
  return table;
}

const std::vector<Definition>& paper_tables() {
  static const std::vector<Definition> all = [] {
    std::vector<Definition> tables;
    for (const char* text : kTables) {
      const std::string file = "dashboards/tables/table" + std::to_string(tables.size() + 1);
      tables.push_back(parse_definition(text, file + ".toml"));
    }
    return tables;
  }();
  return all;
}

Definition definition_of(const sweep::TableSpec& spec, const sweep::Plan& plan) {
  Definition table;
  table.number = spec.paper;
  table.title = spec.title;
  table.study = spec.group;
  Block block;
  const sweep::StageIndex stages(plan.stages);
  const std::string prefix = plan.study == spec.group ? "" : spec.group + ".";
  for (const sweep::Trial& trial : plan.trials) {
    if (!trial.name.starts_with(prefix)) continue;
    Entry row;
    row.label = trial.row;
    row.trial = trial.name.substr(prefix.size());
    row.reference = is_upper_bound(stages, trial);
    const auto paper = spec.paper_rows.find(trial.row);
    row.paper = paper == spec.paper_rows.end() ? "" : paper->second;
    block.rows.push_back(std::move(row));
  }
  for (const std::string& column : spec.columns) {
    block.columns.push_back({.label = column, .paper = column, .trial = "", .metric = column});
  }
  table.blocks.push_back(std::move(block));
  return table;
}

std::string cell_trial(const Entry& row, const Entry& column) {
  if (row.trial.empty() || column.trial.empty()) return row.trial + column.trial;
  return row.trial + "-" + column.trial;
}

std::string cell_metric(const Entry& row, const Entry& column) {
  return row.metric.empty() ? column.metric : row.metric;
}

}  // namespace reprise::dashboards
