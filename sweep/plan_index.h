#pragma once
/// Finds a plan's stages by their ids and its trials by their names.

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sweep/plan.h"

namespace reprise::sweep {

/// The items must outlive the index, unmoved. Of equal keys the first counts.
template <typename Item, std::string Item::* Key>
class Index {
 public:
  explicit Index(const std::vector<Item>& items) {
    places_.reserve(items.size());
    for (const Item& item : items) places_.emplace(item.*Key, &item);
  }

  /// Null where there is none.
  [[nodiscard]] const Item* find(std::string_view key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : found->second;
  }

 private:
  std::unordered_map<std::string_view, const Item*> places_;
};

using StageIndex = Index<Stage, &Stage::id>;
using TrialIndex = Index<Trial, &Trial::name>;

}  // namespace reprise::sweep
