#include "orchestrator/core_scaling.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace reprise::core {

CostClass cost_class(sweep::StageKind kind, std::int64_t steps) {
  return {kind,
          static_cast<int>(std::bit_width(static_cast<std::uint64_t>(steps > 0 ? steps : 1)))};
}

void Scaling::add(const CostClass& cost, int ranks, std::int64_t duration_ms) {
  const auto value = static_cast<double>(duration_ms);
  const auto [at, fresh] = duration_[cost].try_emplace(ranks, value);
  if (!fresh) at->second += (value - at->second) / 4;
}

std::optional<double> Scaling::duration_ms(const CostClass& cost, int ranks) const {
  const auto found = duration_.find(cost);
  if (found == duration_.end()) return std::nullopt;
  // The nearest number of ranks that was tried.
  const auto nearest = std::min_element(
      found->second.begin(), found->second.end(), [ranks](const auto& a, const auto& b) {
        return std::abs(a.first - ranks) < std::abs(b.first - ranks);
      });
  return nearest->second;
}

int Scaling::best_ranks(const CostClass& cost, int min, int max) const {
  constexpr double kWorth = 1.5;
  static const std::map<int, double> kNothing;
  const auto found = duration_.find(cost);
  const std::map<int, double>& measured = found == duration_.end() ? kNothing : found->second;
  int best = min;
  for (int ranks = min * 2; ranks <= max; ranks *= 2) {
    const auto small = measured.find(best);
    const auto large = measured.find(ranks);
    if (small != measured.end()) {
      if (large == measured.end()) return ranks;
      if (small->second < kWorth * large->second) break;
    }
    best = ranks;
  }
  return best;
}

}  // namespace reprise::core
