#include "sweep/axes.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "sweep/axis_sample.h"
#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::sweep {
namespace {

/// The dotted leaves of a table, each an overlay; a text "${NAME}" stays one value.
// NOLINTNEXTLINE(misc-no-recursion): tables nest as deep as TOML's parser allows.
void flatten(const toml::table& table, const std::string& prefix, Combination& into) {
  for (const auto& [key, value] : table) {
    const std::string name = prefix + std::string(key.str());
    if (const auto* below = value.as_table()) {
      flatten(*below, name + ".", into);
    } else {
      into.push_back({.key = name, .node = &value, .source = value.source()});
    }
  }
}

/// The axes of `key` ("grid", "zip", "star"): dotted name to a list of at least one value.
std::vector<std::pair<std::string, const toml::array*>> axes_of(TomlReader& trial,
                                                                const std::string& key) {
  std::vector<std::pair<std::string, const toml::array*>> axes;
  TomlReader table = trial.table(key);
  // Written order, which is the order of the rows; TOML's tables are sorted by key.
  std::vector<std::string> names = table.names();
  std::map<std::string, const toml::node*> nodes;
  for (const std::string& name : names) {
    const toml::node* values = table.node(name);
    if (values->is_table()) table.fail(name, "write a dotted axis in quotes: \"" + name + ".KEY\"");
    if (!values->is_array() || values->as_array()->empty()) {
      table.fail(name, "must be a list with at least one value");
    }
    nodes[name] = values;
  }
  if (!table.layers().empty()) {
    std::vector<std::pair<toml::source_position, std::string>> order;
    for (const auto& [name, value] : *table.layers().front()) {
      order.emplace_back(name.source().begin, std::string(name.str()));
    }
    std::sort(order.begin(), order.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    names.clear();
    names.reserve(order.size());
    for (auto& [place, name] : order) names.push_back(std::move(name));
  }
  for (const std::string& name : names) axes.emplace_back(name, nodes.at(name)->as_array());
  return axes;
}

Overlay overlay(const std::string& key, const toml::node& value) {
  return {.key = key, .node = &value, .source = value.source()};
}

std::size_t times(std::size_t a, std::size_t b) {
  return b != 0 && a > kTrialsMax * 1000 / b ? kTrialsMax * 1000 : a * b;
}

/// The combinations so far, each with each of `more` appended.
class Product {
 public:
  explicit Product(TomlReader& trial) : trial_(trial) {}

  void multiply(const std::string& key, const std::vector<Combination>& more) {
    refuse_many(key, times(all_.size(), more.size()));
    std::vector<Combination> next;
    next.reserve(all_.size() * more.size());
    for (const Combination& left : all_) {
      for (const Combination& right : more) {
        next.push_back(left);
        next.back().insert(next.back().end(), right.begin(), right.end());
      }
    }
    all_ = std::move(next);
  }

  void refuse_many(const std::string& key, std::size_t count) {
    if (count <= kTrialsMax) return;
    (void)trial_.node(key);
    trial_.fail(key, (count >= kTrialsMax * 1000 ? "more than " + std::to_string(kTrialsMax * 1000)
                                                 : std::to_string(count)) +
                         " trials, at most " + std::to_string(kTrialsMax) + " make sense");
  }

  [[nodiscard]] std::size_t size() const { return all_.size(); }
  std::vector<Combination> take() { return std::move(all_); }

 private:
  TomlReader& trial_;
  std::vector<Combination> all_ = std::vector<Combination>(1);
};

void add_list(TomlReader& trial, Product& product) {
  const toml::node* list = trial.node("list");
  if (list == nullptr) return;
  if (!list->is_array() || list->as_array()->empty()) {
    trial.fail("list", "must be a list with at least one {...}");
  }
  std::vector<Combination> entries;
  for (const toml::node& item : *list->as_array()) {
    if (!item.is_table()) trial.fail("list", "must hold tables {...} only");
    flatten(*item.as_table(), "", entries.emplace_back());
  }
  product.multiply("list", entries);
}

void add_zip(TomlReader& trial, Product& product) {
  const auto axes = axes_of(trial, "zip");
  if (axes.empty()) return;
  std::vector<Combination> entries(axes.front().second->size());
  for (const auto& [name, values] : axes) {
    if (values->size() != entries.size()) {
      trial.table("zip").fail(name, "has " + std::to_string(values->size()) + " values, \"" +
                                        axes.front().first + "\" has " +
                                        std::to_string(entries.size()));
    }
    for (std::size_t i = 0; i < entries.size(); ++i) {
      entries[i].push_back(overlay(name, *values->get(i)));
    }
  }
  product.multiply("zip", entries);
}

void add_grid(TomlReader& trial, Product& product) {
  const auto axes = axes_of(trial, "grid");
  std::size_t count = product.size();
  for (const auto& axis : axes) count = times(count, axis.second->size());
  product.refuse_many("grid", count);
  for (const auto& [name, values] : axes) {
    std::vector<Combination> entries;
    for (const toml::node& value : *values) entries.push_back({overlay(name, value)});
    product.multiply("grid", entries);
  }
}

void add_star(TomlReader& trial, Product& product) {
  std::vector<Combination> entries;
  for (const auto& [name, values] : axes_of(trial, "star")) {
    for (const toml::node& value : *values) entries.push_back({overlay(name, value)});
  }
  if (!entries.empty()) product.multiply("star", entries);
}

void add_sample(TomlReader& trial, OwnedNodes& owned, Product& product) {
  if (!trial.has("sample")) return;
  TomlReader sample = trial.table("sample");
  const std::int64_t count = sample.integer("count", std::nullopt, 1, kTrialsMax);
  const auto seed = static_cast<std::uint64_t>(sample.integer("seed", 1, 0, INT64_MAX));
  const std::vector<SampleAxis> axes = read_sample_axes(sample.table("axes"));
  if (axes.empty()) sample.fail("axes", "must name at least one axis");
  sample.finish();
  std::vector<Combination> entries(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    for (const SampleAxis& axis : axes) {
      owned.push_back(axis.value(unit_random(seed, i, axis.key)));
      entries[i].push_back({.key = axis.key, .node = owned.back().get(), .source = axis.source});
    }
  }
  product.multiply("sample", entries);
}

bool equal(const toml::node& a, const toml::node& b) {
  if (a.is_number() && b.is_number()) return *a.value<double>() == *b.value<double>();
  return a.type() == b.type() && shown(a, true) == shown(b, true);
}

/// A condition's value for one axis: a value, a list of values, or {min, max}.
bool matches(const toml::node& value, const toml::node& wanted) {
  if (const auto* list = wanted.as_array()) {
    return std::any_of(list->begin(), list->end(),
                       [&](const toml::node& item) { return equal(value, item); });
  }
  if (const auto* range = wanted.as_table()) {
    if (!value.is_number()) return false;
    const double number = *value.value<double>();
    return number >= (*range)["min"].value_or(-HUGE_VAL) &&
           number <= (*range)["max"].value_or(HUGE_VAL);
  }
  return equal(value, wanted);
}

bool holds(const toml::table& condition, const Combination& combination, const TomlReader& trial) {
  return std::all_of(condition.begin(), condition.end(), [&](const auto& entry) {
    return std::any_of(combination.begin(), combination.end(), [&](const Overlay& at) {
      return at.key == entry.first.str() && matches(*trial.resolve(at.node), entry.second);
    });
  });
}

/// The tables of "when" or "exclude", every key an axis of the combinations.
std::vector<const toml::table*> conditions(TomlReader& trial, const std::string& key,
                                           const std::vector<Combination>& all) {
  std::vector<const toml::table*> tables;
  const toml::node* found = trial.node(key);
  if (found == nullptr) return tables;
  if (const auto* one = found->as_table()) tables.push_back(one);
  if (const auto* list = found->as_array()) {
    for (const toml::node& item : *list) {
      if (!item.is_table()) trial.fail(key, "must hold tables {axis = value} only");
      tables.push_back(item.as_table());
    }
  }
  if (tables.empty()) trial.fail(key, "must be {axis = value, ...} or a list of them");
  std::set<std::string> axes;
  for (const Combination& combination : all) {
    for (const Overlay& entry : combination) axes.insert(entry.key);
  }
  const std::vector<std::string> valid(axes.begin(), axes.end());
  for (const toml::table* table : tables) {
    for (const auto& [name, value] : *table) {
      if (axes.count(std::string(name.str())) != 0) continue;
      throw_invalid(place_of(name.source(), trial.file()) + ": " + trial.path() + "." + key +
                    ": unknown axis \"" + std::string(name.str()) + "\"" +
                    nearest_hint(name.str(), valid));
    }
  }
  return tables;
}

/// An axis may stand in one kind of axes only: the other's values would count for nothing.
void refuse_repeated(const TomlReader& trial, const std::vector<Combination>& all) {
  for (const Combination& each : all) {
    for (std::size_t i = 1; i < each.size(); ++i) {
      const auto before = each.begin() + static_cast<std::ptrdiff_t>(i);
      const auto same = [&](const Overlay& other) { return other.key == each[i].key; };
      if (std::none_of(each.begin(), before, same)) continue;
      throw_invalid(place_of(each[i].source, trial.file()) + ": " + trial.path() + ": the axis \"" +
                    each[i].key + "\" is given twice");
    }
  }
}

}  // namespace

std::vector<Combination> expand_axes(TomlReader& trial, OwnedNodes& owned) {
  Product product(trial);
  add_list(trial, product);
  add_zip(trial, product);
  add_grid(trial, product);
  add_star(trial, product);
  add_sample(trial, owned, product);
  std::vector<Combination> all = product.take();
  refuse_repeated(trial, all);
  const auto when = conditions(trial, "when", all);
  const auto exclude = conditions(trial, "exclude", all);
  const auto any = [&](const std::vector<const toml::table*>& tables, const Combination& each) {
    return std::any_of(tables.begin(), tables.end(),
                       [&](const toml::table* table) { return holds(*table, each, trial); });
  };
  std::erase_if(all, [&](const Combination& each) {
    return (!when.empty() && !any(when, each)) || any(exclude, each);
  });
  if (all.empty()) {
    trial.fail(exclude.empty() ? "when" : "exclude", "leaves no combination: the product is empty");
  }
  return all;
}

std::string axis_label(std::string label, const Combination& combination, const TomlReader& trial,
                       bool complete) {
  // An entry of a list that brings its own row says in it what it wants to say.
  const auto is_row = [](const Overlay& entry) { return entry.key == "row"; };
  complete = complete && std::none_of(combination.begin(), combination.end(), is_row);
  for (const Overlay& entry : combination) {
    if (entry.key == "row" || entry.key == "name") continue;
    const toml::node& value = *trial.resolve(entry.node);
    const std::string mark = "{" + entry.key + "}";
    const std::string text = shown(value, false);
    std::size_t at = label.find(mark);
    if (at == std::string::npos && complete && !value.is_table() && !value.is_array()) {
      label += " " + entry.key + "=" + text;
    }
    for (; at != std::string::npos; at = label.find(mark, at + text.size())) {
      label.replace(at, mark.size(), text);
    }
  }
  return label;
}

}  // namespace reprise::sweep
