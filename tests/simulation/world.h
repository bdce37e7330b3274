#pragma once
/// One seed's world: a coordinator that crashes, gangs that die, hang and lie in wait, a network
/// that loses, repeats and reorders, an engine that starts things twice or never, people who
/// interfere. All time is virtual; the scheduler and the engine are the product's own code.

#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "orchestrator/core.h"
#include "orchestrator/engine.h"
#include "tests/simulation/database.h"
#include "tests/simulation/gang.h"
#include "tests/simulation/swarm.h"

namespace reprise::simulation {

class World final : public core::Ports {
 public:
  World(std::uint64_t seed, Marks& marks, bool verbose);
  ~World() override;

  /// Runs to the end. Throws Broken.
  void run();

  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::uint64_t events() const { return handled_; }
  [[nodiscard]] std::int64_t now() const { return now_; }

  // core::Ports
  std::vector<core::Event> commit(const std::vector<core::Action>& batch) override;
  void perform(const core::Action& action) override;

 private:
  struct Crash {};  ///< Of the coordinator, thrown out of whatever it was doing.
  struct Life;      ///< One incarnation of the coordinator.
  struct Planned {
    std::int64_t time;
    std::uint64_t number;
    std::function<void()> action;
    bool operator<(const Planned& other) const {
      return std::tuple(time, number) > std::tuple(other.time, other.number);
    }
  };
  using GangPointer = std::shared_ptr<Gang>;

  void later(std::int64_t delay, std::function<void()> action);
  [[nodiscard]] bool chaos() const { return now_ < swarm_.heal_at; }
  bool strikes(double p) { return chaos() && random_.chance(p); }
  void mark(std::string_view name) { ++marks_[name]; }
  /// A message's way over a line: late, and lost (marked `loss`), overtaken or repeated; or, where
  /// lines keep their order, not before `latest`, the arrival of the one before it.
  void travel(std::string_view loss, std::int64_t& latest, const std::function<void()>& arrive);
  void note(const std::string& text) const;

  // world_plan.cpp: what there is to do, and what must come of it.
  void make_plan();
  [[nodiscard]] bool poisoned(const std::string& stage) const { return poison_.contains(stage); }
  [[nodiscard]] bool all_as_expected() const;
  void check_end() const;
  void check() const;

  // world_coordinator.cpp
  void start_coordinator();
  void crash_coordinator();
  void end_coordinator();
  void feed(const core::Event& event);
  void flush();
  void tick(std::int64_t life);
  void interfere();
  void send_to_gang(const std::string& name, const core::Action& action);

  // world_gangs.cpp
  void launch(const core::LaunchGang& action);
  void start_gang(const std::string& name, int ranks, const std::string& host);
  void kill_gang(const std::string& name);
  void exited(const std::string& name, const std::string& why);
  void kick(const GangPointer& gang);
  void leave(const GangPointer& gang);
  void die(const GangPointer& gang, const std::string& why, bool tell);
  void connect(const GangPointer& gang);
  void disconnect(const GangPointer& gang);
  void beat(const GangPointer& gang);
  void work(const GangPointer& gang);
  void report(const GangPointer& gang);
  void send(const GangPointer& gang, const core::Event& event);
  void receive(const GangPointer& gang, const core::Action& action);
  void strike_gangs();

  Random random_;
  Swarm swarm_;
  Marks& marks_;
  bool verbose_;
  std::priority_queue<Planned> heap_;
  std::uint64_t numbers_ = 0, handled_ = 0, hash_ = 1469598103934665603ULL;
  std::int64_t now_ = 0, lines_ = 0, clock_ahead_ = 0, full_until_ = 0;

  sweep::Plan plan_, extra_;
  std::set<std::string> poison_;
  std::map<std::string, std::int64_t> steps_;
  std::map<std::string, std::vector<std::string>> inputs_;
  bool extra_added_ = false;
  core::Options options_;

  Database database_;
  std::unique_ptr<Life> life_;
  std::int64_t lives_ = 0;
  bool restarting_ = false;
  std::vector<GangPointer> gangs_;               ///< All that are alive, zombies included.
  std::map<std::string, GangPointer> lines_of_;  ///< The coordinator's sessions.
  std::map<int, int> used_milli_;                ///< Of each slot.
  std::map<std::string, std::vector<int>> devices_of_;
  std::set<std::string> told_dead_;
};

}  // namespace reprise::simulation
