// One stage: where its result comes from, its curve, its rows, its log; data sets and events.
#include <algorithm>
#include <boost/json/array.hpp>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include "dashboards/compare.h"
#include "dashboards/web/api.h"
#include "dashboards/web/curve.h"
#include "sweep/error.h"
#include "sweep/json.h"

namespace reprise::dashboards::web {
namespace {

namespace json = boost::json;

sweep::Stage stage_or_throw(const db::Store& store, const std::string& id) {
  auto stage = store.stage(id);
  if (!stage) throw_invalid("stage \"" + id + "\": not in this database");
  return std::move(*stage);
}

std::string stage_state(const db::Store& store, const std::string& id,
                        const std::vector<db::AttemptRow>& attempts) {
  if (store.is_done(id)) return "done";
  return state_without_result(attempts.empty() ? nullptr : &attempts.back());
}

/// The stage and all it stands on, inputs first.
json::array graph_of(const db::Store& store, const sweep::Stage& root) {
  json::array graph;
  std::set<std::string> seen;
  // Depth first; a plan has no cycles, but a foreign database may: `seen` ends them.
  const std::function<void(const sweep::Stage&)> visit = [&](const sweep::Stage& stage) {
    if (!seen.insert(stage.id).second) return;
    for (const auto& [role, id] : stage.inputs) {
      if (const auto input = store.stage(id)) visit(*input);
    }
    graph.push_back({{"id", stage.id},
                     {"kind", sweep::to_string(stage.kind)},
                     {"label", stage.label},
                     {"state", stage_state(store, stage.id, store.attempts(stage.id))},
                     {"inputs", inputs_json(stage)}});
  };
  visit(root);
  return graph;
}

/// What a stage that runs, or was interrupted, goes on from.
json::array checkpoints_of(const std::filesystem::path& workspace, const std::string& id) {
  std::map<std::string, std::uintmax_t> files;
  // The database may be foreign: only what is surely one folder's name becomes a path.
  if (id.find_first_not_of("0123456789abcdef") == std::string::npos) {
    std::error_code gone;
    for (const auto& entry :
         std::filesystem::directory_iterator(workspace / "checkpoints" / id, gone)) {
      if (entry.is_regular_file(gone)) {
        const std::uintmax_t bytes = entry.file_size(gone);
        if (!gone) files[entry.path().filename().string()] = bytes;
      }
    }
  }
  json::array list;
  for (const auto& [file, bytes] : files) list.push_back({{"file", file}, {"bytes", bytes}});
  return list;
}

json::value member(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? json::value(json::object{}) : *value;
}

std::vector<CurvePoint> curve_of(const json::object& body) {
  std::vector<CurvePoint> points;
  const json::value* curve = body.if_contains("curve");
  if (curve == nullptr || !curve->is_array()) return points;
  for (const json::value& point : curve->get_array()) {
    if (!point.is_array() || point.get_array().size() < 2) continue;
    const json::array& pair = point.get_array();
    if (!pair[0].is_number() || !pair[1].is_number()) continue;
    points.emplace_back(pair[0].to_number<double>(), pair[1].to_number<double>());
  }
  return points;
}

json::object result_json(const db::Store& store, const std::string& id, const json::object& body) {
  json::array metrics;
  for (const db::MetricSummary& metric : store.metric_summaries(id)) {
    metrics.push_back(json::array{metric.name, metric.mean, metric.std, metric.count});
  }
  return {{"scalars", member(body, "scalars")},
          {"artifacts", member(body, "artifacts")},
          {"provenance", member(body, "provenance")},
          {"metrics", std::move(metrics)},
          {"curve_points", curve_of(body).size()}};
}

}  // namespace

json::object stage_provenance(const db::Store& store, const std::filesystem::path& workspace,
                              const std::string& id) {
  const sweep::Stage stage = stage_or_throw(store, id);
  const std::vector<db::AttemptRow> attempts = store.attempts(id);
  json::array attempt_list;
  for (const db::AttemptRow& attempt : attempts) attempt_list.push_back(attempt_json(attempt));
  json::array users;
  for (const auto& [study, trial] : store.users_of(id)) {
    users.push_back({{"study", study}, {"trial", trial}});
  }
  json::object object{{"id", stage.id},
                      {"kind", sweep::to_string(stage.kind)},
                      {"label", stage.label},
                      {"dataset", stage.dataset},
                      {"dataset_digest", stage.dataset_digest},
                      {"config", stage.config},
                      {"options", stage.options},
                      {"steps", stage.steps},
                      {"state", stage_state(store, id, attempts)},
                      {"checkpoints", checkpoints_of(workspace, id)},
                      {"attempts", std::move(attempt_list)},
                      {"used_by", std::move(users)},
                      {"graph", graph_of(store, stage)}};
  if (const auto body = store.result(id)) object["result"] = result_json(store, id, *body);
  return object;
}

json::object stage_curve(const db::Store& store, const std::string& id, std::size_t points) {
  (void)stage_or_throw(store, id);
  std::vector<CurvePoint> curve;
  if (const auto body = store.result(id)) curve = curve_of(*body);
  json::array list;
  for (const auto& [x, y] : downsample(curve, points)) list.push_back(json::array{x, y});
  return {{"id", id}, {"total", curve.size()}, {"points", std::move(list)}};
}

json::object stage_rows(const db::Store& store, const std::string& id, const std::string& metric) {
  (void)stage_or_throw(store, id);
  json::array rows;
  for (const db::SliceValue& row : store.slice_values(id, metric)) {
    rows.push_back(json::array{row.subject, row.slice, row.value});
  }
  return {{"id", id}, {"metric", metric}, {"rows", std::move(rows)}};
}

json::object stage_compare(const db::Store& store, const std::string& a, const std::string& b) {
  for (const std::string& id : {a, b}) {
    if (stage_or_throw(store, id).kind != sweep::StageKind::Evaluate) {
      throw_invalid("stage \"" + id + "\": is no evaluation");
    }
  }
  return comparison_json(compare(store, a, b, {}), a, b);
}

json::object dataset_list(const db::Store& store) {
  json::array list;
  for (const db::DatasetRow& row : store.datasets()) {
    list.push_back({{"name", row.name},
                    {"digest", row.digest},
                    {"path", row.path},
                    {"info", sweep::parse_json(row.info, "data set " + row.name)}});
  }
  return {{"datasets", std::move(list)}};
}

json::object event_list(const db::Store& store, std::int64_t before, std::int64_t limit) {
  json::array list;
  json::value next = nullptr;
  const auto events = store.events(limit, before);
  for (const db::EventRow& event : events) {
    list.push_back({{"id", event.id},
                    {"time", event.time},
                    {"kind", event.kind},
                    {"text", event.text},
                    {"who", event.who}});
  }
  if (static_cast<std::int64_t>(events.size()) == limit && limit > 0) next = events.back().id;
  return {{"events", std::move(list)}, {"next", std::move(next)}};
}

json::object attempt_log(const db::Store& store, const std::filesystem::path& workspace,
                         const std::string& stage, std::int64_t fence, std::size_t bytes) {
  const auto attempts = store.attempts(stage);
  const auto found = std::find_if(attempts.begin(), attempts.end(),
                                  [&](const db::AttemptRow& a) { return a.fence == fence; });
  if (found == attempts.end()) {
    throw_invalid("stage \"" + stage + "\": has no attempt " + std::to_string(fence));
  }
  const std::filesystem::path name = found->gang + ".log";
  // A gang's name comes from the database: only a plain file name may become a path.
  if (name.has_parent_path() || found->gang.empty() || found->gang.front() == '.') {
    throw_corrupt("attempt " + std::to_string(fence) + ": its gang's name is no file name");
  }
  json::object answer{{"fence", fence},
                      {"gang", found->gang},
                      {"file", (std::filesystem::path("logs") / name).string()},
                      {"text", ""},
                      {"cut", false}};
  std::ifstream file(workspace / "logs" / name, std::ios::binary | std::ios::ate);
  if (!file) {
    answer["missing"] = "this workspace has no log of gang " + found->gang;
    return answer;
  }
  const auto size = static_cast<std::int64_t>(file.tellg());
  const std::int64_t start = std::max<std::int64_t>(0, size - static_cast<std::int64_t>(bytes));
  file.seekg(start);
  std::string text(static_cast<std::size_t>(size - start), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  answer["text"] = text;
  answer["cut"] = start > 0;
  return answer;
}

}  // namespace reprise::dashboards::web
