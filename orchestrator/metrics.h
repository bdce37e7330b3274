#pragma once
/// What GET /metrics answers: the coordinator's state in Prometheus' text format.
///
/// Ask with the view token: `authorization: {credentials: VIEW_TOKEN}` in the scrape configuration.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "orchestrator/coordinator.h"
#include "orchestrator/core.h"

namespace reprise {

/// Counts since the coordinator started.
struct Counters {
  std::array<std::uint64_t, 4> messages{};  ///< From gangs, in the order of wire::FromGang.
  std::uint64_t turned_away = 0;            ///< Gangs that are stale.
  std::uint64_t revoked = 0;                ///< Late or stale work that was refused.
  std::uint64_t commits = 0;                ///< Transactions.
  std::uint64_t commit_failures = 0;
  double commit_seconds = 0;
  std::uint64_t gangs_started = 0, gangs_lost = 0;
  std::int64_t started_ms = 0;  ///< Steady clock.
};

/// `stages` belong to `core`, as StatusBoard keeps them.
std::string metrics_text(const core::Core& core, const std::vector<StageStatus>& stages,
                         const Counters& counters, std::int64_t now_ms);

}  // namespace reprise
