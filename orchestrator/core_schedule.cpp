// What the scheduler does after every event: hand out stages, launch gangs, end.
#include <algorithm>
#include <iterator>
#include <limits>

#include "orchestrator/core.h"

namespace reprise::core {
namespace {

constexpr double kShortestMs = 0.5;  ///< What the shortest stage is taken to last.

}  // namespace

/// Gives a gang its next stage and, where stages are short, some in advance.
void Core::fill(const std::string& name, Gang& gang, std::size_t fair) {
  bool refilling = gang.queue.empty();
  while (!ready_.empty()) {
    const auto next = first_for(gang);
    if (next == ready_.end()) return;
    const std::size_t stage = next->index;
    if (!gang.queue.empty()) {
      const auto each = costs_.seconds(nodes_[stage].shape, nodes_[stage].steps, gang.ranks);
      if (!each) return;
      const double most =
          static_cast<double>(options_.ahead_ms) / std::max(*each * 1000, kShortestMs);
      const std::size_t target = std::min(
          {fair, static_cast<std::size_t>(options_.ahead_max), static_cast<std::size_t>(most)});
      // Not one by one: many at once share a message and a transaction.
      refilling = refilling || gang.queue.size() <= target / 2;
      if (!refilling || gang.queue.size() >= target) return;
    } else if (resize(stage, name, gang)) {
      return;
    }
    assign(name, gang, stage);
  }
}

void Core::schedule() {
  if (ready_.empty()) return;
  std::vector<Gangs::value_type*> serving;
  for (auto& entry : gangs_) {
    const Gang& gang = entry.second;
    const bool serves = gang.state == GangState::Idle || gang.state == GangState::Busy;
    if (!serves || !gang.connected || hosts_.is_quarantined(gang.host, now_)) continue;
    serving.push_back(&entry);
  }
  // Idle gangs first; then what is left is shared out in advance.
  for (auto* entry : serving) {
    if (entry->second.queue.empty() && entry->second.state == GangState::Idle) {
      fill(entry->first, entry->second, 1);
    }
  }
  if (ready_.empty() || serving.empty()) return;
  const std::size_t fair = (ready_.size() + count(StageState::Running)) / serving.size();
  for (auto* entry : serving) {
    if (entry->second.state == GangState::Busy) fill(entry->first, entry->second, fair);
  }
}

int Core::free_ranks() const {
  return static_cast<int>(std::count_if(slots_.begin(), slots_.end(), [this](const Slot& slot) {
    return slot.free_milli >= options_.share_milli && !slot.given_up && slot.not_before <= now_;
  }));
}

/// The freest slots, in order; empty where there are not enough.
std::vector<int> Core::devices_for(int ranks) const {
  std::vector<int> devices;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.free_milli < options_.share_milli || slot.given_up || slot.not_before > now_) continue;
    devices.push_back(static_cast<int>(i));
  }
  if (static_cast<int>(devices.size()) < ranks) return {};
  std::stable_sort(devices.begin(), devices.end(), [this](int a, int b) {
    return slots_[static_cast<std::size_t>(a)].free_milli >
           slots_[static_cast<std::size_t>(b)].free_milli;
  });
  devices.resize(static_cast<std::size_t>(ranks));
  std::sort(devices.begin(), devices.end());
  return devices;
}

void Core::free_devices(const Gang& gang) {
  for (const int device : gang.devices) {
    slots_[static_cast<std::size_t>(device)].free_milli += options_.share_milli;
  }
}

/// As many gangs as can be busy now: one that would only wait is not started.
void Core::launch() {
  const std::size_t wanted = count(StageState::Ready) + count(StageState::Running);
  const bool waits = std::any_of(gangs_.begin(), gangs_.end(),
                                 [](const auto& gang) { return gang.second.makes_room; });
  if (waits) return;
  // Each for a stage: those that launch already have the first ones.
  const auto launching = std::count_if(gangs_.begin(), gangs_.end(), [](const auto& gang) {
    return gang.second.state == GangState::Launching;
  });
  auto next = ready_.begin();
  std::advance(next, std::min(launching, static_cast<std::ptrdiff_t>(ready_.size())));
  while (gangs_.size() < wanted) {
    int ranks = options_.ranks_min;
    if (next != ready_.end()) {
      ranks = wanted_ranks(next->index, free_ranks(), wanted - gangs_.size());
      ++next;
    }
    std::vector<int> devices = devices_for(ranks);
    if (devices.empty()) return;
    for (const int device : devices) {
      slots_[static_cast<std::size_t>(device)].free_milli -= options_.share_milli;
    }
    const std::string name = options_.prefix + std::to_string(launched_++);
    Gang& gang = gangs_[name];
    gang.ranks = ranks;
    gang.devices = devices;
    gang.heard = now_;
    gang.number = launched_;
    gang.deadline =
        options_.queued ? std::numeric_limits<std::int64_t>::max() : now_ + options_.launch_ms;
    actions_.emplace_back(LaunchGang{name, ranks, std::move(devices)});
  }
}

/// Gangs that nothing is left for: the youngest of those that still wait in a queue, then those
/// that have been idle for long.
void Core::trim() {
  if (!options_.queued && options_.idle_ms == 0) return;
  const std::size_t wanted = count(StageState::Ready) + count(StageState::Running);
  if (gangs_.size() <= wanted) return;
  std::vector<Gangs::value_type*> youngest;
  for (auto& entry : gangs_) youngest.push_back(&entry);
  std::sort(youngest.begin(), youngest.end(),
            [](auto* a, auto* b) { return a->second.number > b->second.number; });
  std::size_t surplus = gangs_.size() - wanted;
  for (auto* entry : youngest) {
    if (surplus == 0) return;
    Gang& gang = entry->second;
    const bool queued = options_.queued && gang.state == GangState::Launching;
    const bool idle = options_.idle_ms > 0 && gang.state == GangState::Idle &&
                      now_ - gang.idle_since >= options_.idle_ms;
    if (!queued && !idle) continue;
    shut_down(entry->first, gang, "nothing is left for it");
    --surplus;
  }
}

void Core::settle() {
  wake_waiting();
  const bool hopeless =
      gangs_.empty() && !slots_.empty() &&
      std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.given_up; });
  for (std::size_t i = 0; hopeless && i < views_.size(); ++i) {
    if (views_[i].state != StageState::Ready) continue;
    fail(i, "no gang stays alive; the last one ended: " + last_death_);
  }
  if (all_ended() || draining_) {
    for (auto& [name, gang] : gangs_) {
      if (gang.state != GangState::Busy) shut_down(name, gang, "there is no more work");
    }
  } else if (!stopping_ && !paused_) {
    schedule();
    launch();
    trim();
  }
  if (gangs_.empty() && (stopping_ || draining_ || all_ended())) {
    finished_ = true;
    actions_.emplace_back(Finished{});
  }
}

}  // namespace reprise::core
