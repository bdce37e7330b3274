#pragma once
/// Chance, drawn from a seed, and which disasters a seed has.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace reprise::simulation {

/// SplitMix64: the same numbers on every machine, which std::distributions do not promise.
class Random {
 public:
  explicit Random(std::uint64_t seed)
      : state_(seed * 0x9E3779B97F4A7C15ULL + 0xD1B54A32D192ED03ULL) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }
  /// Both ends included.
  std::int64_t range(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(double p) { return static_cast<double>(next() >> 11U) * 0x1.0p-53 < p; }

 private:
  std::uint64_t state_;
};

/// Every seed has each kind of fault with an even chance, and draws how often. All are
/// probabilities: of a message, of a commit, or of a second of a gang's or the coordinator's life.
struct Swarm {
  explicit Swarm(Random& random);

  double lose_message, repeat_message, reset_line, partition;
  double crash_gang, hang_gang, hang_member, die_at_start, vanish_job, second_copy, zombie;
  double crash_coordinator, crash_before_commit, crash_after_commit, commit_fails, disk_full;
  double fail_stage, refuse_result, hand_back, ask_something, jump_clock;
  bool in_order;                          ///< Messages of a line keep their order, as TCP's do.
  bool survives;                          ///< Gangs outlive their coordinator (Slurm's pilots).
  bool tight_budget;                      ///< Stages may fail for good.
  std::int64_t latency_min, latency_max;  ///< ms
  std::int64_t heal_at;                   ///< ms; from then on nothing breaks.
};

/// How often each thing worth seeing was seen.
using Marks = std::map<std::string_view, std::uint64_t>;

/// A broken promise.
struct Broken {
  std::string what;
};

}  // namespace reprise::simulation
