#include "dashboards/deviations.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <map>
#include <optional>

#include "dashboards/render.h"
#include "sweep/json.h"
#include "sweep/network_schema.h"
#include "sweep/study.h"

namespace reprise::dashboards {
namespace {

namespace json = boost::json;

using sweep::canonical_json;
using Settings = std::map<std::string, std::string>;

// NOLINTNEXTLINE(misc-no-recursion): configurations nest three deep.
void flatten(const json::object& object, const std::string& prefix, Settings& into) {
  for (const auto& [key, value] : object) {
    const std::string name = prefix + std::string(key);
    if (name == "network" || name == "loss" || name == "seed" || name == "method") continue;
    if (const auto* below = value.if_object()) {
      flatten(*below, name + ".", into);
    } else {
      into[name] = canonical_json(value);
    }
  }
}

/// The settings that study files have where they say nothing, by kind of stage.
std::map<sweep::StageKind, Settings> paper_settings() {
  const sweep::Study study = sweep::parse_study(
      "schema = 1\nname = \"defaults\"\n[datasets.paper]\nimporter = \"oasis\"\n"
      "[trial]\ndataset = \"paper\"\n[[trials]]\nrow = \"defaults\"\n",
      "defaults");
  std::map<sweep::StageKind, Settings> settings;
  for (const sweep::Stage& stage : sweep::make_plan(study, {{"paper", ""}}).stages) {
    flatten(stage.config, "", settings[stage.kind]);
  }
  return settings;
}

/// The named network of the same architecture that differs in the fewest keys.
json::object nearest_network(const json::object& network) {
  json::object nearest;
  std::size_t fewest = SIZE_MAX;
  for (const std::string& name : sweep::network_names()) {
    json::object named = sweep::resolve_network({{"name", name}});
    if (named.at("name") != network.at("name")) continue;
    // The paper's text shifts SwinIR's windows, its released code does not (docs/fidelity.md).
    if (named.contains("shift")) named["shift"] = true;
    std::size_t differing = 0;
    for (const auto& [key, value] : named) {
      const json::value* here = network.if_contains(key);
      differing += here == nullptr || *here != value ? 1U : 0U;
    }
    if (differing >= fewest) continue;
    fewest = differing;
    nearest = std::move(named);
  }
  return nearest;
}

class Collection {
 public:
  void note(const std::string& kind, const std::string& key, const std::string& paper,
            const std::string& here) {
    if (paper == here) return;
    const std::string name = kind + "|" + key + "|" + paper;
    const auto [at, added] = index_.try_emplace(name, all_.size());
    if (added) all_.push_back({.kind = kind, .key = key, .paper = paper, .here = {}, .stages = 0});
    SetupDeviation& deviation = all_[at->second];
    deviation.here.insert(here);
    ++deviation.stages;
  }

  std::vector<SetupDeviation> take() {
    std::sort(all_.begin(), all_.end(), [](const SetupDeviation& a, const SetupDeviation& b) {
      return std::tie(a.kind, a.key, a.paper) < std::tie(b.kind, b.key, b.paper);
    });
    return std::move(all_);
  }

 private:
  std::vector<SetupDeviation> all_;
  std::map<std::string, std::size_t> index_;
};

}  // namespace

std::vector<SetupDeviation> setup_deviations(const sweep::Plan& plan) {
  const std::map<sweep::StageKind, Settings> paper = paper_settings();
  Collection collection;
  for (const sweep::Stage& stage : plan.stages) {
    const std::string kind(sweep::to_string(stage.kind));
    const auto standard = paper.find(stage.kind);
    if (standard != paper.end()) {
      Settings here;
      flatten(stage.config, "", here);
      for (const auto& [key, value] : here) {
        const auto at = standard->second.find(key);
        if (at != standard->second.end()) collection.note(kind, key, at->second, value);
      }
    }
    if (stage.kind == sweep::StageKind::ImportWeights && stage.config.contains("random")) {
      collection.note(kind, std::string(stage.config.at("role").as_string()), "published weights",
                      "random weights");
    }
    if (stage.kind != sweep::StageKind::Pretrain) continue;
    const json::object& network = stage.config.at("network").as_object();
    const std::string name = "network " + std::string(network.at("name").as_string());
    for (const auto& [key, value] : nearest_network(network)) {
      const json::value* here = network.if_contains(key);
      if (here != nullptr) {
        collection.note(name, std::string(key), canonical_json(value), canonical_json(*here));
      }
    }
  }
  return collection.take();
}

ValueDeviation value_deviation(const Table& table) {
  ValueDeviation deviation{.title = table.title, .largest = {}};
  double most = -1;
  for (const Row& row : table.rows) {
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const Cell& cell = row.cells[i];
      if (!cell.paper_mean) continue;
      ++deviation.published;
      if (!cell.mean) continue;
      ++deviation.measured;
      const double difference = std::abs(*cell.mean - *cell.paper_mean);
      if (cell.paper_std) {
        ++deviation.with_std;
        deviation.within_std += difference <= *cell.paper_std ? 1U : 0U;
      }
      const double relative = difference / std::max(std::abs(*cell.paper_mean), 1e-9);
      if (relative <= most) continue;
      most = relative;
      deviation.largest = row.label + ", " + table.columns[i] + ": " +
                          cell_text(cell.metric, cell) + " against " + cell.paper;
    }
  }
  return deviation;
}

}  // namespace reprise::dashboards
