#include "sweep/accounting.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sweep/cost_model.h"
#include "sweep/error.h"
#include "sweep/plan_index.h"

namespace reprise::sweep {
namespace {

/// Where a plan's stages stand, by their ids, and what their networks go on from.
class Places {
 public:
  explicit Places(const Plan& plan) : stages_(plan.stages), index_(plan.stages) {
    from_.reserve(stages_.size());
    for (const Stage& stage : stages_) {
      const auto network = stage.inputs.find("network");
      from_.push_back(network == stage.inputs.end() ? kNone : of(network->second));
    }
  }
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  [[nodiscard]] std::size_t of(const std::string& id) const {
    const Stage* stage = index_.find(id);
    REPRISE_CHECK(stage != nullptr);
    return static_cast<std::size_t>(stage - stages_.data());
  }
  [[nodiscard]] std::size_t from(std::size_t stage) const { return from_[stage]; }

  /// Steps of a training and of the trainings whose weights it goes on from.
  [[nodiscard]] std::int64_t chain_steps(std::size_t stage) const {
    std::int64_t steps = 0;
    for (; stage != kNone; stage = from_[stage]) steps += stages_[stage].steps;
    return steps;
  }

 private:
  const std::vector<Stage>& stages_;
  StageIndex index_;
  std::vector<std::size_t> from_;
};

/// The U-Nets that a trial's stages need: its own, and those of its losses.
void add_unets(const Trial& trial, const Plan& plan, const Places& places,
               std::set<std::size_t>& unets) {
  for (const auto& [role, id] : trial.stages) {
    if (role == "segmenter") unets.insert(places.of(id));
    if (role != "pretrain" && role != "finetune") continue;
    const Stage& stage = plan.stages[places.of(id)];
    const auto input = stage.inputs.find("segmenter");
    if (input != stage.inputs.end()) unets.insert(places.of(input->second));
  }
}

}  // namespace

StepCounts count_steps(const Study& study, const Plan& plan) {
  REPRISE_CHECK(study.trials.size() == plan.trials.size());
  const Places places(plan);
  StepCounts counts;
  std::map<std::string, std::set<std::size_t>> unets;  // Of every study.
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    const Trial& trial = plan.trials[i];
    add_unets(trial, plan, places, unets[study.trials[i].group]);
    const auto network = trial.stages.find("network");
    if (network == trial.stages.end()) continue;
    counts.every_table_alone += places.chain_steps(places.of(network->second));
  }
  for (const auto& [group, stages] : unets) {
    for (const std::size_t stage : stages) counts.every_table_alone += plan.stages[stage].steps;
  }
  std::vector<bool> went_on(plan.stages.size(), false);
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    if (is_training(plan.stages[i].kind) && places.from(i) != Places::kNone) {
      went_on[places.from(i)] = true;
    }
  }
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    if (!is_training(plan.stages[i].kind)) continue;
    counts.shared += plan.stages[i].steps;
    if (!went_on[i]) counts.every_run_once += places.chain_steps(i);
  }
  return counts;
}

double longest_chain(const Plan& plan, const std::function<double(const Stage&)>& cost) {
  std::unordered_map<std::string_view, double> ends;  // Stages stand after their inputs.
  ends.reserve(plan.stages.size());
  double longest = 0;
  for (const Stage& stage : plan.stages) {
    double start = 0;
    for (const auto& [role, id] : stage.inputs) start = std::max(start, ends.at(id));
    const double end = start + cost(stage);
    ends.emplace(stage.id, end);
    longest = std::max(longest, end);
  }
  return longest;
}

}  // namespace reprise::sweep
