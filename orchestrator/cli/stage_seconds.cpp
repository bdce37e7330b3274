#include "orchestrator/cli/stage_seconds.h"

#include <algorithm>
#include <boost/json.hpp>

#include "sweep/cost_model.h"
#include "sweep/json.h"

namespace reprise::cli {
namespace {

/// What a step's time depends on.
std::string work_of(const std::string& kind, const boost::json::object& config) {
  boost::json::object key{{"kind", kind}};
  for (const char* part : {"network", "unet", "loss", "precision", "scale"}) {
    if (const auto* value = config.if_contains(part)) key[part] = *value;
  }
  const auto* train = config.if_contains("train");
  if (train != nullptr && train->is_object()) {
    for (const char* part : {"batch", "patch", "accumulate"}) {
      if (const auto* value = train->get_object().if_contains(part)) key[part] = *value;
    }
  }
  return sweep::canonical_json(key);
}

std::string work_of(const sweep::Stage& stage) {
  return work_of(std::string(sweep::to_string(stage.kind)), stage.config);
}

}  // namespace

StageSeconds::StageSeconds(const db::Store* store) {
  if (store == nullptr) return;
  for (const db::StepSpeed& speed : store->step_speeds()) {
    step_seconds_[work_of(speed.kind, speed.config)].push_back(1 / speed.steps_per_second);
  }
  for (auto& [work, seconds] : step_seconds_) std::sort(seconds.begin(), seconds.end());
}

bool StageSeconds::is_measured(const sweep::Stage& stage) const {
  return !step_seconds_.empty() && step_seconds_.contains(work_of(stage));
}

double StageSeconds::of(const sweep::Stage& stage) const {
  if (step_seconds_.empty()) return sweep::modelled_seconds(stage);
  const auto found = step_seconds_.find(work_of(stage));
  if (found == step_seconds_.end()) return sweep::modelled_seconds(stage);
  const double median = found->second[found->second.size() / 2];
  return median * static_cast<double>(stage.steps);
}

}  // namespace reprise::cli
