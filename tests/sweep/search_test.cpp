// Searches: promotions and samples are a function of the values, not of the order they came in.
#include "sweep/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "tests/sweep/study_support.h"

namespace reprise::sweep {
namespace {

constexpr const char* kSearch = R"(
metric = "validation"
trials = 18
seed = 3
steps = [10, 30, 90]
axes = {"pretrain.learning_rate" = {min = 1e-4, max = 1e-2, log = true}, "network.window" = [2, 4, 8]}
)";

/// Settings with the TOML that their axes point into.
struct Parsed {
  explicit Parsed(const std::string& text)
      : table(toml::parse(text)), settings(read_search({"s.toml", "search", {&table}})) {}
  toml::table table;
  SearchSettings settings;
};

using Key = std::pair<std::size_t, std::size_t>;

std::set<Key> keys_of(const std::vector<SearchTrial>& trials) {
  std::set<Key> keys;
  for (const SearchTrial& trial : trials) keys.insert({trial.index, trial.rung});
  EXPECT_EQ(keys.size(), trials.size()) << "a trial stands twice";
  return keys;
}

/// Best at 0.3 on every axis; more training helps.
double score(const SearchTrial& trial) {
  double sum = static_cast<double>(trial.rung);
  for (const double unit : trial.units) sum -= (unit - 0.3) * (unit - 0.3);
  return sum;
}

class World {
 public:
  [[nodiscard]] SearchValue lookup() const {
    return [this](std::size_t index, std::size_t rung) -> std::optional<double> {
      const auto at = known_.find({index, rung});
      return at == known_.end() ? std::nullopt : std::optional<double>(at->second);
    };
  }
  void learn(const SearchTrial& trial, double value) { known_[{trial.index, trial.rung}] = value; }
  [[nodiscard]] bool knows(const SearchTrial& trial) const {
    return known_.contains({trial.index, trial.rung});
  }

 private:
  std::map<Key, double> known_;
};

/// Finishes one trial at a time, in a random order, until nothing is left.
std::vector<SearchTrial> run(const SearchSettings& settings, unsigned order) {
  std::mt19937 random(order);
  World world;
  std::set<Key> before;
  for (;;) {
    const std::vector<SearchTrial> trials = search_trials(settings, world.lookup());
    const std::set<Key> now = keys_of(trials);
    EXPECT_TRUE(std::includes(now.begin(), now.end(), before.begin(), before.end()))
        << "a trial that was decided is gone";
    before = now;
    std::vector<SearchTrial> open;
    for (const SearchTrial& trial : trials) {
      // A longer training starts when the shorter one it goes on from is done.
      if (!world.knows(trial)) open.push_back(trial);
    }
    if (open.empty()) return trials;
    const SearchTrial& next = open[random() % open.size()];
    world.learn(next, score(next));
  }
}

std::string refusal(const std::string& text) {
  return refusal_of([&] { return Parsed(text).settings.trials; });
}

}  // namespace

TEST(Search, DecidesTheSameWhateverTheOrderOfTheResults) {
  for (const char* sampler : {"random", "tpe"}) {
    Parsed parsed(kSearch);
    parsed.settings.sampler = sampler;
    const std::vector<SearchTrial> first = run(parsed.settings, 1);
    for (unsigned order = 2; order < 12; ++order) {
      const std::vector<SearchTrial> again = run(parsed.settings, order);
      ASSERT_EQ(again.size(), first.size()) << sampler;
      for (std::size_t i = 0; i < first.size(); ++i) {
        EXPECT_EQ(again[i].index, first[i].index);
        EXPECT_EQ(again[i].rung, first[i].rung);
        EXPECT_EQ(again[i].units, first[i].units) << sampler;
      }
    }
  }
}

TEST(Search, TheBestOfEveryThreeGoesOn) {
  const Parsed parsed(kSearch);
  const std::vector<SearchTrial> trials = run(parsed.settings, 1);
  std::map<std::size_t, int> rungs;
  std::map<std::size_t, SearchTrial> first;
  for (const SearchTrial& trial : trials) {
    ++rungs[trial.rung];
    if (trial.rung == 0) first[trial.index] = trial;
  }
  // Two generations of nine.
  EXPECT_EQ(rungs, (std::map<std::size_t, int>{{0, 18}, {1, 6}, {2, 2}}));
  for (const SearchTrial& trial : trials) {
    if (trial.rung != 1) continue;
    const std::size_t group = trial.index / 3 * 3;
    for (std::size_t rival = group; rival < group + 3; ++rival) {
      EXPECT_GE(score(first[trial.index]), score(first[rival]));
    }
  }
}

TEST(Search, AGroupIsDecidedWithoutWaitingForTheOthers) {
  const Parsed parsed(kSearch);
  World world;
  for (const SearchTrial& trial : search_trials(parsed.settings, world.lookup())) {
    if (trial.index / 3 == 1) world.learn(trial, score(trial));
  }
  const std::set<Key> keys = keys_of(search_trials(parsed.settings, world.lookup()));
  EXPECT_EQ(std::count_if(keys.begin(), keys.end(), [](const Key& key) { return key.second == 1; }),
            1);
}

TEST(Search, WhatFailedDoesNotGoOn) {
  Parsed parsed(kSearch);
  parsed.settings.trials = 6;
  World world;
  constexpr double kFailed = -std::numeric_limits<double>::infinity();
  for (const SearchTrial& trial : search_trials(parsed.settings, world.lookup())) {
    world.learn(trial, trial.index < 3 ? kFailed : trial.index == 4 ? 1 : kFailed);
  }
  EXPECT_EQ(keys_of(search_trials(parsed.settings, world.lookup())),
            (std::set<Key>{{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {4, 1}, {5, 0}}));
}

TEST(Search, TpeComesCloserThanRandom) {
  Parsed parsed(kSearch);
  parsed.settings.trials = 60;
  parsed.settings.steps = {10};
  parsed.settings.batch = 6;
  std::map<std::string, double> late;
  for (const char* sampler : {"random", "tpe"}) {
    parsed.settings.sampler = sampler;
    for (unsigned seed = 1; seed <= 5; ++seed) {
      parsed.settings.seed = seed;
      for (const SearchTrial& trial : run(parsed.settings, 1)) {
        for (const double unit : trial.units) {
          EXPECT_GE(unit, 0);
          EXPECT_LT(unit, 1);
        }
        if (trial.index >= 30) late[sampler] += score(trial) / 150;
      }
    }
  }
  EXPECT_GT(late["tpe"], late["random"] / 2) << "random " << late["random"];
}

TEST(Search, RefusesWhatMakesNoSense) {
  const std::string text = kSearch;
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return refusal(changed);
  };
  EXPECT_NE(with("[10, 30, 90]", "[10, 10]").find("s.toml:5:9: search.steps"), std::string::npos)
      << with("[10, 30, 90]", "[10, 10]");
  EXPECT_NE(with("[10, 30, 90]", "[]").find("5:9"), std::string::npos);
  EXPECT_NE(with("trials = 18", "trials = 1000000").find("s.toml:3:"), std::string::npos);
  EXPECT_NE(with("trials = 18", "trails = 18").find("trials"), std::string::npos);
  EXPECT_NE(with("seed = 3", "sampler = \"tpo\"").find("tpe"), std::string::npos);
  EXPECT_NE(with("network.window\" = [2, 4, 8]", "pretrain.steps\" = [1, 2]").find("budget"),
            std::string::npos);
  EXPECT_NE(with("\"network.window\" = [2, 4, 8]", "\"network.window\" = []").find("6:"),
            std::string::npos);
}

}  // namespace reprise::sweep
