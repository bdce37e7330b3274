#include "orchestrator/cli/model_card.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>

#include "sweep/safetensors_index.h"

namespace reprise::cli {
namespace {

namespace json = boost::json;

/// Mean, population deviation and count of the slices' values, as the tables pool them.
json::object pooled(const std::vector<db::SliceValue>& values) {
  double sum = 0, squares = 0;
  for (const db::SliceValue& item : values) sum += item.value;
  const auto count = static_cast<double>(values.size());
  const double mean = sum / count;
  for (const db::SliceValue& item : values) squares += (item.value - mean) * (item.value - mean);
  return {{"mean", mean}, {"std", std::sqrt(squares / count)}, {"count", values.size()}};
}

/// Every evaluation that is done of the stage's weights.
json::array metrics_of(const db::Store& store, const std::string& stage) {
  json::array all;
  std::map<std::string, bool> seen;
  for (const std::string& study : store.studies()) {
    const auto plan = store.plan(study);
    if (!plan) continue;
    for (const sweep::Stage& other : plan->stages) {
      const auto input = other.inputs.find("network");
      const bool is_ours = other.kind == sweep::StageKind::Evaluate &&
                           input != other.inputs.end() && input->second == stage;
      if (!is_ours || seen[other.id] || !store.is_done(other.id)) continue;
      seen[other.id] = true;
      json::object values;
      const auto result = store.result(other.id);
      const json::value* rows = result->if_contains("rows");
      if (rows == nullptr) continue;
      for (const auto& [metric, unused] : rows->at("values").as_object()) {
        const auto slices = store.slice_values(other.id, std::string(metric));
        if (!slices.empty()) values[metric] = pooled(slices);
      }
      all.push_back({{"stage", other.id}, {"dataset", other.dataset}, {"values", values}});
    }
  }
  return all;
}

json::object weights_card(const std::filesystem::path& path) {
  const sweep::SafetensorsIndex index = sweep::read_safetensors_index(path);
  std::int64_t parameters = 0;
  for (const auto& [key, entry] : index.tensors) {
    if (entry.dtype[0] != 'F' && entry.dtype[0] != 'B') continue;  // Indices and counters.
    if (key.ends_with("attn_mask") || key.ends_with("running_mean") ||
        key.ends_with("running_var")) {
      continue;
    }
    std::int64_t count = 1;
    for (const std::int64_t size : entry.shape) count *= size;
    parameters += count;
  }
  return {{"sha256", path.stem().string()},
          {"bytes", std::filesystem::file_size(path)},
          {"tensors", index.tensors.size()},
          {"parameters", parameters}};
}

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

void add_list(std::string& out, const char* title, const json::object& values) {
  if (values.empty()) return;
  out += fmt::format("\n## {}\n\n", title);
  for (const auto& [key, value] : values) {
    out += fmt::format("- {}: `{}`\n", std::string(key), text_of(value));
  }
}

}  // namespace

json::object model_card(const db::Store& store, const StageRecord& record,
                        const std::filesystem::path& weights) {
  const sweep::Stage& stage = record.stage;
  json::object inputs;
  for (const auto& [role, id] : stage.inputs) inputs[role] = id;
  json::object card = {{"name", record.trials.empty() ? stage.label : record.trials.front()},
                       {"kind", sweep::to_string(stage.kind)},
                       {"stage", stage.id},
                       {"study", record.study},
                       {"trials", json::array(record.trials.begin(), record.trials.end())},
                       {"config", stage.config},
                       {"dataset", {{"name", stage.dataset}, {"digest", stage.dataset_digest}}},
                       {"inputs", inputs},
                       {"weights", weights_card(weights)},
                       {"metrics", metrics_of(store, stage.id)}};
  for (const char* key : {"scalars", "provenance"}) {
    if (const json::value* value = record.result.if_contains(key)) card[key] = *value;
  }
  return card;
}

std::string to_markdown(const json::object& card) {
  const json::object& weights = card.at("weights").as_object();
  std::string out = fmt::format("# {}\n\n", text_of(card.at("name")));
  out += fmt::format("Weights of a `{}` stage of the study `{}`: {} parameters in {} tensors.\n\n",
                     text_of(card.at("kind")), text_of(card.at("study")),
                     text_of(weights.at("parameters")), text_of(weights.at("tensors")));
  out += fmt::format("- stage: `{}`\n- data set: `{}`, digest `{}`\n- stored as: `{}`\n",
                     text_of(card.at("stage")), text_of(card.at("dataset").at("name")),
                     text_of(card.at("dataset").at("digest")), text_of(weights.at("sha256")));
  add_list(out, "Trained from", card.at("inputs").as_object());
  out += "\n## Metrics\n\n";
  if (card.at("metrics").as_array().empty()) out += "None: these weights were not evaluated.\n";
  for (const json::value& evaluation : card.at("metrics").as_array()) {
    out += fmt::format("On the test split of `{}` (mean, standard deviation over slices):\n\n",
                       text_of(evaluation.at("dataset")));
    out += "| metric | mean | std | slices |\n|---|---|---|---|\n";
    for (const auto& [metric, value] : evaluation.at("values").as_object()) {
      out += fmt::format("| {} | {:.4f} | {:.4f} | {} |\n", std::string(metric),
                         value.at("mean").as_double(), value.at("std").as_double(),
                         text_of(value.at("count")));
    }
    out += "\n";
  }
  add_list(out, "Configuration", card.at("config").as_object());
  for (const char* key : {"scalars", "provenance"}) {
    if (const json::value* value = card.if_contains(key)) {
      add_list(out, key[0] == 's' ? "Training" : "Provenance", value->as_object());
    }
  }
  return out;
}

}  // namespace reprise::cli
