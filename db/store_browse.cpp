// The part of Store that a dashboard reads: few statements that each answer for a whole study.
#include <algorithm>
#include <boost/json/value.hpp>
#include <cmath>

#include "db/store.h"
#include "sweep/error.h"
#include "sweep/json.h"

namespace reprise::db {
namespace {

AttemptRow attempt_of(const Statement& query) {
  AttemptRow row;
  row.fence = query.integer(0);
  row.stage = query.text(1);
  row.gang = query.text(2);
  row.host = query.text(3);
  row.device = query.text(4);
  row.ranks = static_cast<int>(query.integer(5));
  row.started = query.integer(6);
  row.ended = query.integer(7);
  row.outcome = query.text(8);
  row.message = query.text(9);
  return row;
}

}  // namespace

std::vector<AttemptRow> Store::attempts(const std::string& stage) const {
  Statement query(*connection_,
                  "SELECT fence, stage, gang, host, device, ranks, started, ended, outcome, message"
                  " FROM attempts WHERE stage=? ORDER BY fence");
  query.bind(stage);
  std::vector<AttemptRow> rows;
  while (query.step()) rows.push_back(attempt_of(query));
  return rows;
}

std::vector<AttemptRow> Store::open_attempts() const {
  Statement query(*connection_,
                  "SELECT fence, stage, gang, host, device, ranks, started, ended, outcome, message"
                  " FROM attempts WHERE outcome IS NULL ORDER BY fence");
  std::vector<AttemptRow> rows;
  while (query.step()) rows.push_back(attempt_of(query));
  return rows;
}

std::int64_t Store::data_version() const { return connection_->integer("PRAGMA data_version"); }

std::int64_t Store::planned_at(const std::string& study) const {
  Statement query(*connection_, "SELECT planned_at FROM studies WHERE name=?");
  query.bind(study);
  return query.step() ? query.integer(0) : 0;
}

std::map<std::string, std::int64_t> Store::done_stages(const std::string& study) const {
  Statement query(*connection_,
                  "SELECT r.stage, r.committed_at FROM study_stages p"
                  " JOIN results r ON r.stage=p.stage WHERE p.study=?");
  query.bind(study);
  std::map<std::string, std::int64_t> done;
  while (query.step()) done.emplace(query.text(0), query.integer(1));
  return done;
}

std::vector<AttemptRow> Store::study_attempts(const std::string& study) const {
  Statement query(*connection_,
                  "SELECT a.fence, a.stage, a.gang, a.host, a.device, a.ranks, a.started, a.ended,"
                  " a.outcome, a.message FROM study_stages p JOIN attempts a ON a.stage=p.stage"
                  " WHERE p.study=?");
  query.bind(study);
  std::vector<AttemptRow> rows;
  while (query.step()) rows.push_back(attempt_of(query));
  std::sort(rows.begin(), rows.end(),
            [](const AttemptRow& a, const AttemptRow& b) { return a.fence < b.fence; });
  return rows;
}

std::vector<MetricSummary> Store::metric_summaries(const std::string& stage) const {
  Statement query(*connection_,
                  "SELECT name, count(value), total(value), total(value*value) FROM metrics"
                  " WHERE stage=? GROUP BY name ORDER BY name");
  query.bind(stage);
  std::vector<MetricSummary> rows;
  while (query.step()) {
    MetricSummary row{.name = query.text(0), .count = query.integer(1), .mean = 0, .std = 0};
    if (row.count == 0) continue;
    const auto count = static_cast<double>(row.count);
    row.mean = query.real(2) / count;
    row.std = std::sqrt(std::max(0.0, query.real(3) / count - row.mean * row.mean));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::optional<sweep::Stage> Store::stage(const std::string& id) const {
  Statement query(
      *connection_,
      "SELECT s.kind, s.config, s.dataset_digest, p.label, p.dataset, p.options, p.steps"
      " FROM stages s LEFT JOIN study_stages p ON p.stage=s.id WHERE s.id=? LIMIT 1");
  query.bind(id);
  if (!query.step()) return std::nullopt;
  const std::string where = connection_->file().string() + ", stage " + id;
  const auto object_of = [&](const std::string& text) {
    boost::json::value value = sweep::parse_json(text, where);
    if (!value.is_object()) throw_corrupt(where + ": not an object");
    return std::move(value.get_object());
  };
  sweep::Stage stage;
  stage.id = id;
  stage.kind = sweep::stage_kind_from(query.text(0));
  stage.config = object_of(query.text(1));
  stage.dataset_digest = query.text(2);
  stage.label = query.text(3);
  stage.dataset = query.text(4);
  if (const std::string options = query.text(5); !options.empty()) {
    stage.options = object_of(options);
  }
  stage.steps = query.integer(6);
  Statement inputs(*connection_, "SELECT role, input FROM stage_inputs WHERE stage=?");
  inputs.bind(id);
  while (inputs.step()) stage.inputs[inputs.text(0)] = inputs.text(1);
  return stage;
}

std::vector<std::string> Store::stages_like(const std::string& prefix, std::int64_t limit) const {
  Statement query(*connection_,
                  "SELECT id FROM stages WHERE substr(id, 1, length(?1))=?1 ORDER BY id LIMIT ?2");
  query.bind(prefix).bind(limit);
  std::vector<std::string> ids;
  while (query.step()) ids.push_back(query.text(0));
  return ids;
}

std::vector<std::pair<std::string, std::string>> Store::users_of(const std::string& stage) const {
  Statement query(*connection_,
                  "SELECT DISTINCT study, trial FROM trial_stages WHERE stage=? ORDER BY 1, 2");
  query.bind(stage);
  std::vector<std::pair<std::string, std::string>> rows;
  while (query.step()) rows.emplace_back(query.text(0), query.text(1));
  return rows;
}

std::vector<EventRow> Store::events(std::int64_t limit, std::int64_t before) const {
  Statement query(*connection_,
                  "SELECT rowid, time, kind, text, who FROM events WHERE ?1=0 OR rowid<?1"
                  " ORDER BY rowid DESC LIMIT ?2");
  query.bind(before).bind(limit);
  std::vector<EventRow> rows;
  while (query.step()) {
    rows.push_back(
        {query.integer(0), query.integer(1), query.text(2), query.text(3), query.text(4)});
  }
  return rows;
}

}  // namespace reprise::db
