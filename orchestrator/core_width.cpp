// How many ranks gangs have: as few as they may while work is plentiful, more where few stages are
// left and on the critical path.
#include <algorithm>
#include <iterator>

#include "orchestrator/core.h"

namespace reprise::core {

/// The ranks that a stage is best given, of `room` that `sharers` stages are to share. More than
/// its share it gets on the critical path only: where the rest of the work would still end first on
/// what it leaves. Each doubling must pay by what was measured.
int Core::wanted_ranks(std::size_t stage, int room, std::size_t sharers) const {
  const int min = options_.ranks_min;
  const Node& node = nodes_[stage];
  const int most = costs_.best_ranks(node.shape, min, std::min(room, options_.ranks_max));
  const int share = room / static_cast<int>(std::max<std::size_t>(1, sharers));
  const int places = static_cast<int>(slots_.size()) * (1000 / options_.share_milli);
  const double others = std::max(0.0, work_left_ - node.remaining);
  int ranks = min;
  for (int next = 2 * min; next <= most; next *= 2) {
    const double path = node.remaining / costs_.speedup(node.shape, min, next);
    const bool is_critical = next < places && others * min / (places - next) <= path;
    if (next > share && !is_critical) break;
    ranks = next;
  }
  return ranks;
}

/// A larger gang that is about to serve is better used for the longest path: smaller ones pass
/// over as many of the first stages as there are such gangs.
std::set<Core::Rank>::const_iterator Core::first_for(const Gang& gang) const {
  if (options_.ranks_min == options_.ranks_max) return ready_.begin();
  const auto larger = std::count_if(gangs_.begin(), gangs_.end(), [&](const auto& entry) {
    const Gang& other = entry.second;
    const bool is_idle = other.state == GangState::Idle && other.connected &&
                         !hosts_.is_quarantined(other.host, now_);
    return other.ranks > gang.ranks && (is_idle || other.state == GangState::Launching);
  });
  return std::next(ready_.begin(), std::min(larger, static_cast<std::ptrdiff_t>(ready_.size())));
}

/// Where a long stage is better served by a gang of another size, gangs leave so that it can start.
bool Core::resize(std::size_t stage, const std::string& name, Gang& gang) {
  // A gang that has done nothing yet is as large as it could be made.
  if (options_.ranks_min == options_.ranks_max || gang.served == 0 || gang.devices.empty()) {
    return false;
  }
  const auto expected = costs_.estimate(nodes_[stage].shape, nodes_[stage].steps);
  if (expected.basis == sweep::CostBasis::Modelled ||
      expected.seconds * 1000 < static_cast<double>(options_.reform_ms)) {
    return false;
  }
  int room = free_ranks();
  for (const auto& [other_name, other] : gangs_) {
    if (other.state == GangState::Idle) room += static_cast<int>(other.devices.size());
  }
  const int wanted = wanted_ranks(stage, room, ready_.size());
  if (wanted == gang.ranks) return false;
  if (wanted < gang.ranks) {
    shut_down(name, gang, "making room for smaller gangs");
    return gang.makes_room = true;
  }
  for (auto& [other_name, other] : gangs_) {
    if (other.state != GangState::Idle || other.devices.empty()) continue;
    shut_down(other_name, other, "making room for a larger gang");
    other.makes_room = true;
  }
  return true;
}

}  // namespace reprise::core
