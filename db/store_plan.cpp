// The part of Store that writes plans and reads them back.
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <stdexcept>

#include "db/store.h"
#include "sweep/error.h"
#include "sweep/json.h"

namespace reprise::db {
namespace {

void put_stage(Connection& connection, const std::string& study, std::size_t position,
               const sweep::Stage& stage) {
  Statement(connection, "INSERT OR IGNORE INTO stages VALUES(?,?,?,?)")
      .bind(stage.id)
      .bind(sweep::to_string(stage.kind))
      .bind(sweep::canonical_json(stage.config))
      .bind(stage.dataset_digest)
      .run();
  Statement input(connection, "INSERT OR IGNORE INTO stage_inputs VALUES(?,?,?)");
  for (const auto& [role, id] : stage.inputs) input.bind(stage.id).bind(role).bind(id).run();
  Statement(connection, "INSERT INTO study_stages VALUES(?,?,?,?,?,?,?)")
      .bind(study)
      .bind(static_cast<std::int64_t>(position))
      .bind(stage.id)
      .bind(stage.label)
      .bind(stage.dataset)
      .bind(sweep::canonical_json(stage.options))
      .bind(stage.steps)
      .run();
}

void put_trial(Connection& connection, const std::string& study, std::size_t position,
               const sweep::Trial& trial) {
  Statement(connection, "INSERT INTO trials VALUES(?,?,?,?)")
      .bind(study)
      .bind(static_cast<std::int64_t>(position))
      .bind(trial.name)
      .bind(trial.row)
      .run();
  Statement role_row(connection, "INSERT INTO trial_stages VALUES(?,?,?,?)");
  for (const auto& [role, id] : trial.stages) {
    role_row.bind(study).bind(trial.name).bind(role).bind(id).run();
  }
}

boost::json::object object_of(const std::string& text, const std::string& where) {
  boost::json::value value = sweep::parse_json(text, where);
  if (!value.is_object()) throw_corrupt(where + ": not an object");
  return std::move(value.get_object());
}

std::string tables_json(const std::vector<sweep::TableSpec>& tables) {
  boost::json::array list;
  for (const sweep::TableSpec& table : tables) {
    boost::json::object paper_rows;
    for (const auto& [row, paper] : table.paper_rows) paper_rows[row] = paper;
    list.push_back({{"name", table.name},
                    {"title", table.title},
                    {"group", table.group},
                    {"columns", boost::json::array(table.columns.begin(), table.columns.end())},
                    {"paper", table.paper},
                    {"paper_rows", std::move(paper_rows)}});
  }
  return boost::json::serialize(list);
}

std::vector<sweep::TableSpec> tables_of(const std::string& text, const std::string& where) {
  std::vector<sweep::TableSpec> tables;
  try {
    const boost::json::value list = sweep::parse_json(text, where);
    for (const boost::json::value& value : list.as_array()) {
      sweep::TableSpec& table = tables.emplace_back();
      table.name = value.at("name").as_string();
      table.title = value.at("title").as_string();
      table.group = value.at("group").as_string();
      for (const boost::json::value& column : value.at("columns").as_array()) {
        table.columns.emplace_back(column.as_string());
      }
      table.paper = value.at("paper").as_string();
      for (const auto& [row, paper] : value.at("paper_rows").as_object()) {
        table.paper_rows[row] = paper.as_string();
      }
    }
  } catch (const boost::system::system_error& error) {
    throw_corrupt(where + ": " + error.what());
  } catch (const std::out_of_range& error) {
    throw_corrupt(where + ": " + error.what());
  } catch (const std::invalid_argument& error) {
    throw_corrupt(where + ": " + error.what());
  }
  return tables;
}

}  // namespace

void Store::put_plan(const sweep::Plan& plan, const std::string& study_text) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  Transaction transaction(*connection_);
  Statement(*connection_, "DELETE FROM studies WHERE name=?").bind(plan.study).run();
  Statement(*connection_,
            "INSERT INTO studies(name, text, planned_at, title, tables) VALUES(?,?,?,?,?)")
      .bind(plan.study)
      .bind(study_text)
      .bind(std::chrono::duration_cast<std::chrono::milliseconds>(now).count())
      .bind(plan.title)
      .bind(tables_json(plan.tables))
      .run();
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    put_stage(*connection_, plan.study, i, plan.stages[i]);
  }
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    put_trial(*connection_, plan.study, i, plan.trials[i]);
  }
  transaction.commit();
  committed();
}

std::optional<sweep::Plan> Store::plan(const std::string& study) const {
  Statement head(*connection_, "SELECT title, tables FROM studies WHERE name=?");
  head.bind(study);
  if (!head.step()) return std::nullopt;
  sweep::Plan plan;
  plan.study = study;
  plan.title = head.text(0);
  plan.tables =
      tables_of(head.text(1), connection_->file().string() + ", tables of study \"" + study + "\"");
  Statement stages(*connection_,
                   "SELECT s.id, s.kind, s.config, s.dataset_digest, p.label, p.dataset, p.options,"
                   " p.steps FROM study_stages p JOIN stages s ON s.id=p.stage WHERE p.study=?"
                   " ORDER BY p.position");
  stages.bind(study);
  while (stages.step()) {
    sweep::Stage stage;
    stage.id = stages.text(0);
    const std::string where = connection_->file().string() + ", stage " + stage.id;
    stage.kind = sweep::stage_kind_from(stages.text(1));
    stage.config = object_of(stages.text(2), where);
    stage.dataset_digest = stages.text(3);
    stage.label = stages.text(4);
    stage.dataset = stages.text(5);
    stage.options = object_of(stages.text(6), where);
    stage.steps = stages.integer(7);
    Statement inputs(*connection_, "SELECT role, input FROM stage_inputs WHERE stage=?");
    inputs.bind(stage.id);
    while (inputs.step()) stage.inputs[inputs.text(0)] = inputs.text(1);
    plan.stages.push_back(std::move(stage));
  }
  Statement trials(*connection_, "SELECT name, label FROM trials WHERE study=? ORDER BY position");
  trials.bind(study);
  while (trials.step()) {
    sweep::Trial trial;
    trial.name = trials.text(0);
    trial.row = trials.text(1);
    Statement roles(*connection_, "SELECT role, stage FROM trial_stages WHERE study=? AND trial=?");
    roles.bind(study).bind(trial.name);
    while (roles.step()) trial.stages[roles.text(0)] = roles.text(1);
    plan.trials.push_back(std::move(trial));
  }
  return plan;
}

std::vector<std::string> Store::studies() const {
  Statement query(*connection_, "SELECT name FROM studies ORDER BY name");
  std::vector<std::string> names;
  while (query.step()) names.push_back(query.text(0));
  return names;
}

std::optional<std::string> Store::study_text(const std::string& study) const {
  Statement query(*connection_, "SELECT text FROM studies WHERE name=?");
  query.bind(study);
  if (!query.step()) return std::nullopt;
  return query.text(0);
}

}  // namespace reprise::db
