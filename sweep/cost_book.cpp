#include "sweep/cost_book.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <unordered_set>

#include "sweep/json.h"

namespace reprise::sweep {
namespace {

namespace json = boost::json;

/// A name of "network", "unet" or a term of a loss.
std::string_view name_in(const json::value& value, const char* key) {
  const json::value* name = value.is_object() ? value.get_object().if_contains(key) : nullptr;
  return name != nullptr && name->is_string() ? std::string_view(name->get_string()) : "";
}

const json::value* part(const json::object& config, const char* key) {
  return config.if_contains(key);
}

/// Terms without what changes their values only.
void append_loss(std::string& key, const json::value& loss) {
  if (!loss.is_array()) return;
  for (const json::value& term : loss.get_array()) {
    if (!term.is_object()) continue;
    json::object work = term.get_object();
    for (const char* value : {"weight", "penalty", "learning_rate"}) work.erase(value);
    append_canonical(key, work);
  }
}

void append_part(std::string& key, const json::object& object, const char* name) {
  const json::value* value = part(object, name);
  if (value == nullptr) return;
  key += name;
  key += '=';
  key += canonical_json(*value);
  key += ' ';
}

/// One text for all stages whose steps are the same work.
std::string shape_key(const Stage& stage) {
  std::string key(to_string(stage.kind));
  key += ' ';
  const json::object& config = stage.config;
  for (const char* name : {"network", "unet", "scale", "precision"}) {
    append_part(key, config, name);
  }
  if (const json::value* loss = part(config, "loss")) append_loss(key, *loss);
  const json::value* train = part(config, "train");
  if (train != nullptr && train->is_object()) {
    const json::object& object = train->get_object();
    for (const char* name : {"batch", "patch", "accumulate"}) append_part(key, object, name);
    const json::value* validation = part(object, "validation");
    if (validation != nullptr && validation->is_object()) {  // It reads images of the data set.
      append_part(key, validation->get_object(), "every");
      append_part(key, validation->get_object(), "subjects");
      key += stage.dataset_digest;
    }
  }
  if (stage.kind == StageKind::Evaluate) {
    append_part(key, config, "method");
    key += stage.dataset_digest;
    if (stage.inputs.contains("inception")) key += " fid";
  }
  return key;
}

/// From near relatives to far ones; empty: none that are so far.
std::array<std::string, 3> families_of(const Stage& stage) {
  std::array<std::string, 3> families;
  const std::string kind(to_string(stage.kind));
  families[0] = families[1] = kind;
  for (const char* key : {"network", "loss"}) {
    const json::value* value = part(stage.config, key);
    if (value == nullptr) continue;
    families[0] += ' ';
    families[0] += name_in(*value, "name");
    if (!value->is_array()) continue;
    for (const json::value& term : value->get_array()) {
      families[0] += ' ';
      families[0] += name_in(term, "name");
    }
  }
  if (is_training(stage.kind)) families[2] = "training";
  return families;
}

void blend(double& old, double fresh) { old += (fresh - old) / 4; }

}  // namespace

std::optional<Setting> newest_setting(const std::vector<CostSample>& samples) {
  return samples.empty() ? std::nullopt : std::optional<Setting>(samples.back().setting);
}

CostBook::CostBook(const std::vector<CostSample>& samples, const Setting& setting)
    : model_(setting.device) {
  const auto fits = [&](const CostSample& sample) {
    return sample.setting.threads == setting.threads;
  };
  std::vector<std::pair<Shape, const CostSample*>> here;
  std::unordered_set<Shape> exact;  // Measured with as many threads.
  for (const CostSample& sample : samples) {
    if (sample.setting.device != setting.device) continue;
    here.emplace_back(shape_of(sample.stage), &sample);
    if (fits(sample)) exact.insert(here.back().first);
  }
  for (const auto& [shape, sample] : here) {
    if (fits(*sample) || !exact.contains(shape)) add(shape, sample->ranks, sample->cost);
  }
}

CostBook::Shape CostBook::shape_of(const Stage& stage) {
  const auto [entry, is_new] = index_.try_emplace(shape_key(stage), shapes_.size());
  if (is_new) {
    shapes_.push_back({.modelled = std::max(model_.step_seconds(stage), 1e-9),
                       .families = families_of(stage),
                       .by_ranks = {}});
  }
  return entry->second;
}

bool CostBook::add(Shape shape, int ranks, const StepCost& cost) {
  Known& known = shapes_[shape];
  const bool is_first = known.by_ranks.empty();
  const auto [at, is_new] = known.by_ranks.try_emplace(ranks, cost);
  if (!is_new) {
    blend(at->second.step_seconds, cost.step_seconds);
    blend(at->second.start_seconds, cost.start_seconds);
  }
  if (!is_first) return false;
  for (const std::string& family : known.families) {
    if (!family.empty()) measured_[family].emplace(known.modelled, shape);
  }
  return true;
}

const CostBook::Known* CostBook::nearest(const Known& shape) const {
  for (const std::string& name : shape.families) {
    const auto found = measured_.find(name);
    if (found == measured_.end()) continue;
    const Family& family = found->second;
    const auto above = family.lower_bound({shape.modelled, 0});
    if (above == family.begin()) return &shapes_[above->second];
    const auto below = std::prev(above);
    const bool is_above =
        above != family.end() && above->first / shape.modelled < shape.modelled / below->first;
    return &shapes_[is_above ? above->second : below->second];
  }
  return nullptr;
}

CostEstimate CostBook::estimate(const Stage& stage) {
  if (!measured_.empty()) return estimate(shape_of(stage), stage.steps);
  return {static_cast<double>(stage.steps) * model_.step_seconds(stage), 1, CostBasis::Modelled};
}

CostEstimate CostBook::estimate(Shape shape, std::int64_t steps) const {
  const Known& known = shapes_[shape];
  const auto count = static_cast<double>(steps);
  if (!known.by_ranks.empty()) {
    const auto& [ranks, cost] = *known.by_ranks.begin();
    return {cost.start_seconds + count * cost.step_seconds, ranks, CostBasis::Measured};
  }
  const Known* relative = nearest(known);
  if (relative == nullptr) return {count * known.modelled, 1, CostBasis::Modelled};
  const auto& [ranks, cost] = *relative->by_ranks.begin();
  const double ratio = known.modelled / relative->modelled;
  return {cost.start_seconds + count * cost.step_seconds * ratio, ranks, CostBasis::Scaled};
}

std::optional<double> CostBook::seconds(Shape shape, std::int64_t steps, int ranks) const {
  const auto& measured = shapes_[shape].by_ranks;
  const auto nearest =
      std::min_element(measured.begin(), measured.end(), [ranks](const auto& a, const auto& b) {
        return std::abs(a.first - ranks) < std::abs(b.first - ranks);
      });
  if (nearest == measured.end()) return std::nullopt;
  return nearest->second.start_seconds + static_cast<double>(steps) * nearest->second.step_seconds;
}

int CostBook::best_ranks(Shape shape, int min, int max) const {
  constexpr double kWorth = 1.5;
  const auto& measured = shapes_[shape].by_ranks;
  int ranks = min;
  while (ranks * 2 <= max) ranks *= 2;
  const int most = ranks;
  while (ranks > min && !measured.contains(ranks)) ranks /= 2;
  if (!measured.contains(ranks)) return most;
  for (; ranks > min; ranks /= 2) {
    const auto half = measured.find(ranks / 2);
    if (half == measured.end()) return ranks / 2;
    if (half->second.step_seconds >= kWorth * measured.at(ranks).step_seconds) break;
  }
  const bool may_double = ranks * 2 <= most && !measured.contains(ranks * 2);
  return may_double ? ranks * 2 : ranks;
}

double CostBook::speedup(Shape shape, int min, int ranks) const {
  constexpr double kExpected = 1.5;  // For each doubling: what best_ranks asks for.
  const auto& measured = shapes_[shape].by_ranks;
  double gain = 1;
  for (int at = min; at * 2 <= ranks; at *= 2) {
    const auto small = measured.find(at);
    const auto large = measured.find(at * 2);
    const bool is_known = small != measured.end() && large != measured.end();
    gain *= is_known ? small->second.step_seconds / large->second.step_seconds : kExpected;
  }
  return gain;
}

}  // namespace reprise::sweep
