#include "sweep/accounting.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "sweep/cost_model.h"
#include "sweep/error.h"

namespace reprise::sweep {
namespace {

using ById = std::unordered_map<std::string_view, const Stage*>;

ById by_id(const Plan& plan) {
  ById stages;
  stages.reserve(plan.stages.size());
  for (const Stage& stage : plan.stages) stages[stage.id] = &stage;
  return stages;
}

/// Steps of a training and of the trainings whose weights it goes on from.
std::int64_t chain_steps(const Stage& stage, const ById& stages) {
  std::int64_t steps = stage.steps;
  const Stage* at = &stage;
  for (auto from = at->inputs.find("network"); from != at->inputs.end();
       from = at->inputs.find("network")) {
    at = stages.at(from->second);
    steps += at->steps;
  }
  return steps;
}

/// The U-Nets that a trial's stages need: its own, and those of its losses.
void add_unets(const Trial& trial, const ById& stages, std::set<std::string_view>& unets) {
  for (const auto& [role, id] : trial.stages) {
    if (role == "segmenter") unets.insert(id);
    if (role != "pretrain" && role != "finetune") continue;
    const Stage& stage = *stages.at(id);
    const auto input = stage.inputs.find("segmenter");
    if (input != stage.inputs.end()) unets.insert(input->second);
  }
}

}  // namespace

StepCounts count_steps(const Study& study, const Plan& plan) {
  REPRISE_CHECK(study.trials.size() == plan.trials.size());
  const ById stages = by_id(plan);
  StepCounts counts;
  std::map<std::string, std::set<std::string_view>> unets;  // Of every study.
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    const Trial& trial = plan.trials[i];
    add_unets(trial, stages, unets[study.trials[i].group]);
    const auto network = trial.stages.find("network");
    if (network == trial.stages.end()) continue;
    counts.every_table_alone += chain_steps(*stages.at(network->second), stages);
  }
  for (const auto& [group, ids] : unets) {
    for (const std::string_view id : ids) counts.every_table_alone += stages.at(id)->steps;
  }
  std::unordered_set<std::string_view> went_on;
  for (const Stage& stage : plan.stages) {
    const auto from = stage.inputs.find("network");
    if (is_training(stage.kind) && from != stage.inputs.end()) went_on.insert(from->second);
  }
  for (const Stage& stage : plan.stages) {
    if (!is_training(stage.kind)) continue;
    counts.shared += stage.steps;
    if (!went_on.contains(stage.id)) counts.every_run_once += chain_steps(stage, stages);
  }
  return counts;
}

double longest_chain(const Plan& plan, const std::function<double(const Stage&)>& cost) {
  std::unordered_map<std::string_view, double> ends;  // Stages stand after their inputs.
  double longest = 0;
  for (const Stage& stage : plan.stages) {
    double start = 0;
    for (const auto& [role, id] : stage.inputs) start = std::max(start, ends.at(id));
    ends[stage.id] = start + cost(stage);
    longest = std::max(longest, ends[stage.id]);
  }
  return longest;
}

}  // namespace reprise::sweep
