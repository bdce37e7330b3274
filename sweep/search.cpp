#include "sweep/search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sweep/tpe.h"

namespace reprise::sweep {
namespace {

constexpr std::size_t kConfigurationsMax = 10'000;

/// One generation: its configurations' numbers, and how far each has come.
struct Generation {
  std::size_t first = 0, count = 0;
  std::vector<std::size_t> rung;   ///< The highest that is decided.
  std::vector<double> best_value;  ///< At that rung; NaN while it is not known.
  bool settled = false;            ///< Nothing more will be decided.
};

/// The best of a group, the earliest where several are equal; none while a value is not known.
std::optional<std::size_t> winner(const std::vector<std::size_t>& group, std::size_t rung,
                                  const SearchValue& value) {
  std::optional<std::size_t> best;
  double highest = -std::numeric_limits<double>::infinity();
  for (const std::size_t index : group) {
    const std::optional<double> known = value(index, rung);
    if (!known) return std::nullopt;
    if (!best || *known > highest) {
      best = index;
      highest = *known;
    }
  }
  return best;
}

/// Promotes through the rungs as far as the values say.
Generation advance(const SearchSettings& settings, std::size_t first, const SearchValue& value) {
  Generation generation;
  generation.first = first;
  generation.count = std::min(settings.batch, settings.trials - first);
  generation.rung.resize(generation.count, 0);
  std::vector<std::size_t> here(generation.count);
  for (std::size_t i = 0; i < here.size(); ++i) here[i] = first + i;
  generation.settled = true;
  for (std::size_t rung = 0; rung + 1 < settings.steps.size(); ++rung) {
    std::vector<std::size_t> next;
    for (std::size_t at = 0; at < here.size(); at += settings.reduction) {
      const std::size_t end = std::min(at + settings.reduction, here.size());
      const auto from = here.begin() + static_cast<std::ptrdiff_t>(at);
      const std::vector<std::size_t> group(from, from + static_cast<std::ptrdiff_t>(end - at));
      const auto best = winner(group, rung, value);
      if (!best) {
        generation.settled = false;
        continue;  // A later group may be decided meanwhile.
      }
      if (std::isinf(*value(*best, rung))) continue;  // All of the group failed.
      generation.rung[*best - first] = rung + 1;
      next.push_back(*best);
    }
    // Which groups stand above is known only once all below are decided.
    if (!generation.settled) break;
    here = std::move(next);
  }
  generation.best_value.resize(generation.count, std::nan(""));
  for (std::size_t i = 0; i < generation.count; ++i) {
    const auto known = value(first + i, generation.rung[i]);
    if (known) generation.best_value[i] = *known;
    if (!known) generation.settled = false;
  }
  return generation;
}

}  // namespace

SearchSettings read_search(TomlReader reader) {
  SearchSettings settings;
  settings.name = reader.text("name", "search");
  settings.sampler = reader.choice("sampler", "random", {"random", "tpe"});
  settings.metric = reader.text("metric", std::nullopt);
  settings.training = reader.choice("training", "pretrain", {"pretrain", "finetune"});
  settings.trials =
      static_cast<std::size_t>(reader.integer("trials", std::nullopt, 1, kConfigurationsMax));
  settings.seed = static_cast<std::uint64_t>(reader.integer("seed", 1, 0, INT64_MAX));
  settings.steps = reader.integers("steps", {}, 1, INT32_MAX);
  if (settings.steps.empty())
    reader.fail("steps", "must be a list of at least one number of steps");
  for (std::size_t i = 1; i < settings.steps.size(); ++i) {
    if (settings.steps[i] <= settings.steps[i - 1]) reader.fail("steps", "must grow");
  }
  settings.reduction = static_cast<std::size_t>(reader.integer("reduction", 3, 2, 100));
  std::size_t bracket = 1;
  for (std::size_t i = 1; i < settings.steps.size(); ++i) {
    bracket = std::min(bracket * settings.reduction, kConfigurationsMax);
  }
  settings.batch = static_cast<std::size_t>(
      reader.integer("batch", static_cast<std::int64_t>(std::max<std::size_t>(bracket, 4)), 1,
                     kConfigurationsMax));
  settings.axes = read_sample_axes(reader.table("axes"));
  if (settings.axes.empty()) reader.fail("axes", "must name at least one axis");
  for (const SampleAxis& axis : settings.axes) {
    if (axis.key == settings.training + ".steps") {
      reader.table("axes").fail(axis.key, "is the budget, which search.steps says");
    }
  }
  reader.finish();
  return settings;
}

std::vector<SearchTrial> search_trials(const SearchSettings& settings, const SearchValue& value) {
  std::vector<SearchTrial> trials;
  std::vector<TpePoint> known;
  for (std::size_t first = 0; first < settings.trials; first += settings.batch) {
    const Generation generation = advance(settings, first, value);
    std::vector<std::vector<double>> drawn;
    for (std::size_t i = 0; i < generation.count; ++i) {
      const std::size_t index = first + i;
      const std::vector<double>& units = drawn.emplace_back(
          settings.sampler == "tpe" ? tpe_sample(settings.axes, settings.seed, index, known)
                                    : random_sample(settings.axes, settings.seed, index));
      for (std::size_t rung = 0; rung <= generation.rung[i]; ++rung) {
        trials.push_back({.index = index, .rung = rung, .units = units});
      }
    }
    if (settings.sampler != "tpe") continue;
    if (!generation.settled) break;  // The next generation is drawn from what this one comes to.
    for (std::size_t i = 0; i < generation.count; ++i) {
      known.push_back({drawn[i], generation.rung[i], generation.best_value[i]});
    }
  }
  return trials;
}

}  // namespace reprise::sweep
