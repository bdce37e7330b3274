#include "orchestrator/cli/model_source.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cctype>
#include <fstream>
#include <map>
#include <set>

#include "sweep/cost_model.h"
#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/json.h"
#include "sweep/nearest.h"
#include "sweep/safetensors_index.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kModelPrefixMin = 4;

/// A trial's last training.
std::string last_training(const sweep::Trial& trial) {
  for (const char* role : {"finetune", "pretrain", "network", "segmenter"}) {
    const auto found = trial.stages.find(role);
    if (found != trial.stages.end()) return found->second;
  }
  return {};
}

bool is_prefix_of(const std::string& name, const std::string& id) {
  return name.size() >= kModelPrefixMin && id.rfind(name, 0) == 0;
}

/// Matching stages by id; what is asked for fills `record`.
std::map<std::string, StageRecord> matches(const db::Store& store, const std::string& name,
                                           std::vector<std::string>& trial_names) {
  std::map<std::string, StageRecord> found;
  for (const std::string& study : store.studies()) {
    const auto plan = store.plan(study);
    if (!plan) continue;
    std::set<std::string> wanted;
    for (const sweep::Trial& trial : plan->trials) {
      trial_names.push_back(trial.name);
      trial_names.push_back(trial.row);
      if (trial.name == name || trial.row == name) wanted.insert(last_training(trial));
    }
    for (const sweep::Stage& stage : plan->stages) {
      if (!sweep::is_training(stage.kind)) continue;
      if (!wanted.contains(stage.id) && !is_prefix_of(name, stage.id)) continue;
      StageRecord& record = found[stage.id];
      record.study = study;
      record.stage = stage;
      for (const sweep::Trial& trial : plan->trials) {
        if (last_training(trial) == stage.id) record.trials.push_back(trial.name);
      }
    }
  }
  return found;
}

std::string listed(const std::map<std::string, StageRecord>& found) {
  std::string text;
  for (const auto& [id, record] : found) {
    text += (text.empty() ? "" : ", ") + id.substr(0, 12) + " (" + record.stage.label + ")";
  }
  return text;
}

bool is_safetensors(const fs::path& path) {
  std::array<char, 2> head{};
  std::ifstream(path, std::ios::binary).read(head.data(), head.size());
  return !(head[0] == 'P' && head[1] == 'K') && head[0] != '\x80';
}

}  // namespace

std::unique_ptr<db::Store> open_results(const fs::path& workspace) {
  const fs::path path = workspace / "reprise.db";
  if (!fs::exists(path)) {
    throw_invalid("--workspace " + workspace.string() + ": holds no reprise.db");
  }
  return std::make_unique<db::Store>(path, db::Access::ReadOnly);
}

StageRecord find_trained_stage(const db::Store& store, const std::string& name) {
  std::vector<std::string> trials;
  auto found = matches(store, name, trials);
  if (found.empty()) {
    throw_invalid("model \"" + name + "\": no file, trained stage or trial of that name" +
                  sweep::nearest_hint(name, trials));
  }
  if (found.size() > 1) {
    throw_invalid("model \"" + name + "\" means several stages: " + listed(found));
  }
  StageRecord record = std::move(found.begin()->second);
  auto result = store.result(record.stage.id);
  if (!result) {
    throw_invalid("model \"" + name + "\": stage " + record.stage.id.substr(0, 12) + " (" +
                  record.stage.label + ") is not done yet");
  }
  record.result = std::move(*result);
  return record;
}

fs::path weights_of(const StageRecord& record, const fs::path& workspace) {
  const auto fail = [&](const std::string& what) {
    throw_corrupt("stage " + record.stage.id.substr(0, 12) + ": " + what);
  };
  const json::value* artifacts = record.result.if_contains("artifacts");
  if (artifacts == nullptr || !artifacts->is_object()) fail("its result has no artifacts");
  const json::value* weights = artifacts->get_object().if_contains("weights");
  if (weights == nullptr || !weights->is_object()) fail("its result has no weights");
  const json::value* digest = weights->get_object().if_contains("sha256");
  if (digest == nullptr || !digest->is_string()) fail("its weights have no digest");
  const std::string name(digest->get_string());
  const fs::path path = workspace / "objects" / (name + ".safetensors");
  if (!fs::exists(path)) fail("its weights are missing: " + path.string());
  if (sha256_file(path) != name) throw_corrupt(path.string() + ": bytes do not match the name");
  return path;
}

ModelSource find_model(const std::string& name, const fs::path& workspace) {
  ModelSource source;
  if (fs::is_regular_file(name)) {
    source.weights = name;
    if (!is_safetensors(name)) return source;
    const auto metadata = sweep::read_safetensors_index(name).metadata;
    if (const auto found = metadata.find("reprise.network"); found != metadata.end()) {
      source.network = sweep::parse_json(found->second, name + ": reprise.network").as_object();
    }
    if (const auto found = metadata.find("reprise.scale"); found != metadata.end()) {
      source.scale = sweep::parse_json(found->second, name + ": reprise.scale").as_int64();
    }
    return source;
  }
  const auto store = open_results(workspace);
  source.stage = find_trained_stage(*store, name);
  source.weights = weights_of(*source.stage, workspace);
  const json::object& config = source.stage->stage.config;
  if (const json::value* network = config.if_contains("network")) {
    source.network = network->as_object();
  }
  if (const json::value* scale = config.if_contains("scale")) source.scale = scale->as_int64();
  return source;
}

}  // namespace reprise::cli
