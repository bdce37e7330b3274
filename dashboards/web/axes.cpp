#include "dashboards/web/axes.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <set>
#include <unordered_map>

#include "sweep/json.h"

namespace reprise::dashboards::web {
namespace {

namespace json = boost::json;
using Flat = std::map<std::string, json::value>;

std::string loss_text(const json::array& terms) {
  std::string text;
  for (const json::value& term : terms) {
    if (!term.is_object() || !term.get_object().contains("name")) return json::serialize(terms);
    if (!text.empty()) text += " + ";
    const json::object& entry = term.get_object();
    if (const json::value* weight = entry.if_contains("weight");
        weight != nullptr && weight->is_number() && weight->to_number<double>() != 1) {
      text += sweep::canonical_json(*weight) + " ";
    }
    const json::value& name = entry.at("name");
    text += name.is_string() ? std::string(name.get_string()) : json::serialize(name);
  }
  return text;
}

void flatten(const json::object& object, const std::string& prefix, Flat& flat) {
  for (const auto& [key, value] : object) {
    std::string path = prefix.empty() ? std::string(key) : prefix + "." + std::string(key);
    if (value.is_object()) {
      flatten(value.get_object(), path, flat);
    } else if (key == "loss" && value.is_array()) {
      flat[path] = json::value(loss_text(value.get_array()));
    } else if (value.is_array()) {
      flat[path] = json::value(json::serialize(value));
    } else {
      flat[path] = value;
    }
  }
}

/// Role and key to value, of one trial. "network" names the stage whose weights are evaluated:
/// it is also there as "pretrain" or "finetune".
using TrialKeys = std::map<std::string, Flat>;

TrialKeys keys_of(const sweep::Trial& trial,
                  const std::unordered_map<std::string, const sweep::Stage*>& stages) {
  TrialKeys keys;
  for (const auto& [role, id] : trial.stages) {
    const auto found = stages.find(id);
    if (role == "network" || found == stages.end()) continue;
    flatten(found->second->config, "", keys[role]);
    keys[role]["dataset"] = json::value(found->second->dataset);
  }
  return keys;
}

/// Keys that never disagree between the roles of one trial.
std::set<std::string> shared_keys(const std::vector<TrialKeys>& trials) {
  std::set<std::string> seen;
  std::set<std::string> split;
  for (const TrialKeys& roles : trials) {
    Flat first;
    for (const auto& [role, flat] : roles) {
      for (const auto& [key, value] : flat) {
        seen.insert(key);
        const auto [entry, added] = first.try_emplace(key, value);
        if (!added && entry->second != value) split.insert(key);
      }
    }
  }
  for (const std::string& key : split) seen.erase(key);
  return seen;
}

}  // namespace

Axes axes_of(const sweep::Plan& plan) {
  std::unordered_map<std::string, const sweep::Stage*> stages;
  for (const sweep::Stage& stage : plan.stages) stages[stage.id] = &stage;
  std::vector<TrialKeys> trials;
  trials.reserve(plan.trials.size());
  for (const sweep::Trial& trial : plan.trials) trials.push_back(keys_of(trial, stages));

  const std::set<std::string> shared = shared_keys(trials);
  std::vector<Flat> flat(trials.size());
  std::set<std::string> names;
  for (std::size_t t = 0; t < trials.size(); ++t) {
    for (const auto& [role, keys] : trials[t]) {
      for (const auto& [key, value] : keys) {
        const std::string name = shared.contains(key) ? key : role + "." + key;
        flat[t][name] = value;
        names.insert(name);
      }
    }
  }
  Axes axes;
  axes.values.resize(trials.size());
  for (const std::string& name : names) {
    std::vector<json::value> column;
    const json::value* first = nullptr;
    bool varies = false;
    for (const Flat& keys : flat) {
      const auto found = keys.find(name);
      column.push_back(found == keys.end() ? json::value(nullptr) : found->second);
      if (found == keys.end()) {
        // Without this training, though there is a network: that is a difference.
        varies = varies || (name.ends_with(".loss") && keys.contains("network.name"));
      } else if (first == nullptr) {
        first = &found->second;
      } else {
        varies = varies || *first != found->second;
      }
    }
    if (!varies) continue;
    axes.names.push_back(name);
    for (std::size_t t = 0; t < column.size(); ++t) axes.values[t].push_back(std::move(column[t]));
  }
  return axes;
}

}  // namespace reprise::dashboards::web
