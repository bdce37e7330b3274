#include "sweep/study_search.h"

#include <algorithm>

namespace reprise::sweep {
namespace {

std::string name_of(const SearchSettings& settings, std::size_t index, std::size_t rung) {
  const std::string number = std::to_string(index);
  const std::string zeros(3 - std::min<std::size_t>(number.size(), 3), '0');
  return settings.name + "-" + zeros + number + "-" + std::to_string(settings.steps[rung]);
}

}  // namespace

std::vector<DrawnTrial> draw_trials(const SearchSettings& settings, TomlReader& root,
                                    const Observations& known, OwnedNodes& owned) {
  const toml::source_region here = root.node("search")->source();
  const auto value = [&](std::size_t index, std::size_t rung) -> std::optional<double> {
    const auto at = known.find(name_of(settings, index, rung));
    return at == known.end() ? std::nullopt : std::optional<double>(at->second);
  };
  std::vector<DrawnTrial> all;
  for (const SearchTrial& point : search_trials(settings, value)) {
    DrawnTrial drawn{name_of(settings, point.index, point.rung), point.rung, {}};
    const auto lay = [&](const std::string& key, std::unique_ptr<toml::node> node,
                         const toml::source_region& source) {
      owned.push_back(std::move(node));
      drawn.combination.push_back({.key = key, .node = owned.back().get(), .source = source});
    };
    std::string row = "#" + std::to_string(point.index);
    for (std::size_t i = 0; i < settings.axes.size(); ++i) {
      const SampleAxis& axis = settings.axes[i];
      lay(axis.key, axis.value(point.units[i]), axis.source);
      row += " " + axis.key.substr(axis.key.rfind('.') + 1) + "=" + shown(*owned.back(), false);
    }
    const std::int64_t steps = settings.steps[point.rung];
    lay(settings.training + ".steps", std::make_unique<toml::value<std::int64_t>>(steps), here);
    row += " (" + std::to_string(steps) + " steps)";
    lay("row", std::make_unique<toml::value<std::string>>(row), here);
    lay("name", std::make_unique<toml::value<std::string>>(drawn.name), here);
    all.push_back(std::move(drawn));
  }
  return all;
}

void continue_shorter(TrialSpec& trial, const SearchSettings& settings, std::size_t rung,
                      TomlReader& root) {
  TomlReader table = root.table("search");
  if (trial.method != "network") table.fail("axes", "the trial trains no network");
  if (settings.training == "finetune" && !trial.finetune) {
    table.fail("training", "[trial] has finetuned = false");
  }
  Training& training = settings.training == "finetune" ? *trial.finetune : trial.pretrain;
  if (settings.metric == "validation" && !training.train.contains("validation")) {
    table.fail("metric", "needs " + settings.training + ".validation = {every = N} in [trial]");
  }
  training.continues.assign(settings.steps.begin(),
                            settings.steps.begin() + static_cast<std::ptrdiff_t>(rung));
  training.keep_state = rung + 1 < settings.steps.size();
}

}  // namespace reprise::sweep
