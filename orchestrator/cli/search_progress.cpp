#include "orchestrator/cli/search_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <limits>
#include <map>

#include "dashboards/table.h"
#include "sweep/error.h"

namespace reprise::cli {
namespace {

/// The latest PSNR on held-out training subjects.
std::optional<double> validation_of(const db::Store& store, const std::string& stage) {
  const auto body = store.result(stage);
  if (!body) return std::nullopt;
  const boost::json::value* curve = body->if_contains("validation");
  if (curve == nullptr || !curve->is_array() || curve->get_array().empty()) return std::nullopt;
  const boost::json::value& last = curve->get_array().back();
  return last.is_array() && last.get_array().size() == 2
             ? std::optional<double>(last.get_array()[1].to_number<double>())
             : std::nullopt;
}

std::optional<double> value_of(const db::Store& store, const sweep::StudySearch& search,
                               const sweep::Trial& trial) {
  if (search.metric == "validation") {
    return validation_of(store, trial.stages.at(search.training));
  }
  const std::string& stage = trial.stages.at("evaluate");
  if (!store.is_done(stage)) return std::nullopt;
  std::vector<double> values;
  for (const auto& slice : store.slice_values(stage, search.metric)) values.push_back(slice.value);
  const std::optional<double> mean = dashboards::summarise(values).mean;
  if (!mean) {
    throw_invalid(search.metric_place.text() + ": search.metric = \"" + search.metric +
                  "\": the evaluation of " + trial.name + " has no such value");
  }
  return dashboards::smaller_is_better(search.metric) ? -*mean : *mean;
}

bool has_failed(const db::Store& store, const sweep::Trial& trial) {
  return std::any_of(trial.stages.begin(), trial.stages.end(), [&](const auto& stage) {
    return !store.is_done(stage.second) && store.failures(stage.second) > 0;
  });
}

}  // namespace

sweep::Observations observe(const db::Store& store, const sweep::Study& study,
                            const sweep::Plan& plan, Missing missing) {
  constexpr double kWorst = -std::numeric_limits<double>::infinity();
  std::map<std::string, const sweep::Trial*> trials;
  for (const sweep::Trial& trial : plan.trials) trials[trial.name] = &trial;
  sweep::Observations known;
  for (const sweep::StudySearch& search : study.searches) {
    for (const std::string& name : search.trials) {
      const sweep::Trial& trial = *trials.at(name);
      if (const auto value = value_of(store, search, trial)) {
        known[name] = *value;
      } else if (missing == Missing::Lost ||
                 (missing == Missing::Failed && has_failed(store, trial))) {
        known[name] = kWorst;
      }
    }
  }
  return known;
}

std::optional<std::string> best_of(const sweep::StudySearch& search, const sweep::Study& study,
                                   const sweep::Observations& known) {
  const sweep::TrialSpec* best = nullptr;
  std::pair<std::int64_t, double> highest;
  for (const sweep::TrialSpec& trial : study.trials) {
    const auto at = known.find(trial.name);
    if (at == known.end() || std::isinf(at->second)) continue;
    if (std::find(search.trials.begin(), search.trials.end(), trial.name) == search.trials.end()) {
      continue;
    }
    const sweep::Training& training =
        search.training == "finetune" ? *trial.finetune : trial.pretrain;
    const std::pair<std::int64_t, double> here{training.train.at("steps").as_int64(), at->second};
    if (best != nullptr && here <= highest) continue;
    best = &trial;
    highest = here;
  }
  if (best == nullptr) return std::nullopt;
  const double value =
      dashboards::smaller_is_better(search.metric) ? -highest.second : highest.second;
  return fmt::format("best of {} configurations: {}, {} {:.4f}", search.configurations, best->row,
                     search.metric, value);
}

}  // namespace reprise::cli
