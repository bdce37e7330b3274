#include "dashboards/table.h"

#include <cmath>
#include <set>

#include "dashboards/coverage.h"
#include "dashboards/paper.h"
#include "dashboards/rank.h"
#include "sweep/error.h"
#include "sweep/network_profile.h"

namespace reprise::dashboards {
namespace {

/// MACs and parameters as the paper counts them: arithmetic, known before anything ran.
std::optional<double> counted(const sweep::Stage& stage, const std::string& metric) {
  if (metric != "MACs(G)" && metric != "params(M)") return std::nullopt;
  sweep::NetworkInput input{.reach = false};
  input.scale = stage.config.at("scale").as_int64();
  const auto profile = sweep::profile_network(stage.config.at("network").as_object(), input);
  return metric == "MACs(G)" ? static_cast<double>(profile.paper_macs) * 1e-9
                             : static_cast<double>(profile.paper_parameters) * 1e-6;
}

/// The first stage, in the plan's order, of those that `id` needs and that are not done.
const sweep::Stage* first_missing(const db::Store* store, const sweep::StageIndex& stages,
                                  const std::string& id) {
  std::set<const sweep::Stage*> missing;
  std::vector<std::string> open = {id};
  while (!open.empty()) {
    const sweep::Stage* stage = stages.find(open.back());
    open.pop_back();
    if (stage == nullptr || (store != nullptr && store->is_done(stage->id))) continue;
    if (!missing.insert(stage).second) continue;
    for (const auto& [role, input] : stage->inputs) open.push_back(input);
  }
  // They stand in one array: their addresses are in its order.
  return missing.empty() ? nullptr : *missing.begin();
}

class Builder {
 public:
  Builder(const db::Store* store, const Definition& definition, const sweep::Plan& plan,
          std::string command)
      : store_(store),
        definition_(definition),
        trials_(plan),
        stages_(plan.stages),
        command_(std::move(command)) {}

  [[nodiscard]] Table block(const Block& block) const {
    Table table;
    table.name = definition_.number.empty() ? definition_.study : "table" + definition_.number;
    table.title = definition_.title;
    if (!block.title.empty()) table.title += ": " + block.title;
    for (const Entry& column : block.columns) table.columns.push_back(column.label);
    for (const Entry& entry : block.rows) {
      Row row{.label = entry.label, .reference = entry.reference, .cells = {}};
      for (const Entry& column : block.columns) row.cells.push_back(cell(entry, column));
      table.rows.push_back(std::move(row));
    }
    rank_table(table, definition_, block);
    return table;
  }

 private:
  [[nodiscard]] Cell cell(const Entry& row, const Entry& column) const {
    Cell cell;
    if (!definition_.number.empty() && !row.paper.empty()) {
      if (const auto value = paper_value(definition_.number, row.paper, column.paper)) {
        cell.paper = value->text;
        cell.paper_mean = value->mean;
        cell.paper_std = value->std;
      }
    }
    cell.metric = cell_metric(row, column);
    const std::string name = cell_trial(row, column);
    const sweep::Trial* trial = trials_.find(definition_.study, name);
    if (trial == nullptr) {
      if (!cell.paper.empty()) {
        cell.missing = "the plan has no trial " + definition_.study + "." + name;
      }
      return cell;
    }
    cell.trial = trial->name;
    cell.stage = stage_of_metric(*trial, cell.metric);
    if (cell.stage.empty()) {
      if (!cell.paper.empty()) cell.missing = trial->name + " does not measure " + cell.metric;
      return cell;
    }
    const sweep::Stage* stage = stages_.find(cell.stage);
    if (stage != nullptr) cell.mean = counted(*stage, cell.metric);
    if (cell.mean) return cell;
    if (store_ == nullptr || !store_->is_done(cell.stage)) {
      cell.missing = missing_text(cell.stage);
      return cell;
    }
    measure(cell);
    return cell;
  }

  void measure(Cell& cell) const {
    std::vector<double> values;
    for (const auto& slice : store_->slice_values(cell.stage, cell.metric)) {
      values.push_back(slice.value);
    }
    if (!values.empty()) {
      const Cell summary = summarise(values);
      cell.mean = summary.mean;
      cell.std = summary.std;
      cell.count = summary.count;
      return;
    }
    const auto scalars = store_->scalars(cell.stage);
    const auto scalar = scalars.find(cell.metric);
    if (scalar != scalars.end()) cell.mean = scalar->second;
    if (cell.mean) return;
    if (cell.metric == "FID") {
      cell.missing = "FID needs the Inception weights: [weights] inception in the study";
    } else if (!cell.paper.empty()) {
      cell.missing = "stage " + cell.stage.substr(0, 12) + " did not measure " + cell.metric;
    }
  }

  [[nodiscard]] std::string missing_text(const std::string& stage) const {
    const sweep::Stage* first = first_missing(store_, stages_, stage);
    if (first == nullptr) return "not done";
    const std::string text = "stage " + first->id.substr(0, 12) + " (" + first->label + " on " +
                             first->dataset + ") is not done";
    return command_.empty() ? text : text + ": " + command_;
  }

  const db::Store* store_;
  const Definition& definition_;
  PlannedTrials trials_;
  sweep::StageIndex stages_;
  std::string command_;
};

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

std::vector<Table> build_tables(const db::Store* store, const Definition& definition,
                                const sweep::Plan& plan, const std::string& command) {
  const Builder builder(store, definition, plan, command);
  std::vector<Table> tables;
  for (const Block& block : definition.blocks) tables.push_back(builder.block(block));
  return tables;
}

Table build_table(const db::Store& store, const sweep::TableSpec& spec, const sweep::Plan& plan) {
  const Definition definition = definition_of(spec, plan);
  Table table = build_tables(&store, definition, plan, "").front();
  table.name = spec.name;
  return table;
}

}  // namespace reprise::dashboards
