#pragma once
/// The scheduler: a pure state machine. Events and the time go in, actions come out, in order.
///
/// It has no clock, I/O or threads, so that a simulation can drive it through any disaster. The
/// engine around it performs the actions; those that ask the database something (BeginAttempt,
/// CommitResult) are answered later by an event (AttemptBegun, CommitDone), once they are durable.
///
/// Rules: at most one live attempt a stage; a stage is done only after CommitDone; higher priority
/// goes first, then the longest remaining path, then the longest stage, in expected seconds
/// (sweep/cost_book.h), which are reckoned anew when a shape is measured for the first time; gangs
/// are as small as they may be while work is plentiful, and grow where few stages are left and on
/// the critical path, as far as their stages' measured scaling pays; a failing stage is retried
/// with growing pauses until the budget of that class of failure is spent, then its dependants are
/// aborted; a silent or stuck gang is killed and its stages go to another one under new fences; a
/// gang is as fresh as its stalest rank. Short stages are handed out several at a time.

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "orchestrator/core_events.h"
#include "orchestrator/core_hosts.h"
#include "sweep/cost_book.h"
#include "sweep/plan.h"

namespace reprise::core {

struct Options {
  int slots = 1;           ///< GPUs, or CPU slots, that gangs are started on.
  int share_milli = 1000;  ///< What one rank takes of a slot: 250 lets four trials share a GPU.
  int ranks_min = 1, ranks_max = 1;  ///< A gang grows where its stages' measured scaling pays.
  int failures_max = 3;              ///< Of its own a stage may have so many failures less one.
  int losses_max = 20;               ///< The same for gangs lost through no fault of its own.
  bool queued = false;             ///< Gangs wait in a queue: `launch_ms` counts from GangStarting.
  std::int64_t idle_ms = 0;        ///< An idle gang leaves after so long; 0: it stays to the end.
  std::int64_t lease_ms = 15000;   ///< A gang that is silent so long is dead.
  std::int64_t stall_ms = 300000;  ///< An attempt whose progress rests so long is stuck.
  std::int64_t launch_ms = 180000;  ///< From the launch to Hello.
  std::int64_t stop_ms = 30000;     ///< From Shutdown to the kill.
  std::int64_t backoff_ms = 1000;   ///< First pause after a failure; doubles.
  std::int64_t backoff_max_ms = 60000;
  std::int64_t ahead_ms = 250;     ///< A gang is given short stages for so long in advance...
  int ahead_max = 256;             ///< ...and at most so many.
  std::int64_t reform_ms = 60000;  ///< A stage must last so long for gangs to make room for it.
  int launch_failures_max = 4;  ///< Gang deaths before Hello, in a row, until a slot is given up.
  HostOptions hosts;
  std::int64_t timed_steps = 100;  ///< A training's steps are timed over so many...
  std::int64_t timed_ms = 2000;    ///< ...and so long, at least.
  std::string prefix = "local-";   ///< Of the gangs' names.
  sweep::CostBook costs;           ///< What earlier runs measured.
};

enum class StageState : std::uint8_t { Blocked, Ready, Running, Done, Failed, Aborted, Cancelled };
/// "blocked", "ready", "running", "done", "failed", "aborted", "cancelled".
std::string_view to_string(StageState state);

struct StageView {
  std::string id, label;
  StageState state = StageState::Blocked;
  std::string gang;        ///< While running, and who did it once done.
  std::int64_t fence = 0;  ///< Of the live or committed attempt; 0 before the first.
  int failures = 0;        ///< Of its own.
  int losses = 0;          ///< Gangs that were lost under it, through no fault of its own.
  int priority = 0;
  bool reused = false;  ///< Its result was there before this run.
  std::string message;  ///< Latest failure.
};

enum class GangState : std::uint8_t { Launching, Idle, Busy, Stopping, Dying };
std::string_view to_string(GangState state);

struct GangView {
  std::string name, host;
  GangState state = GangState::Launching;
  int ranks = 1;
  std::size_t stage = 0;   ///< While Busy: index of the stage at work.
  std::size_t queued = 0;  ///< Stages it holds, that one included.
  bool connected = false;
};

/// An attempt that was open when an earlier coordinator ended; its gang may still be at work.
struct OpenAttempt {
  std::string stage, gang;
  std::int64_t fence = 0;
  int ranks = 1;
};

class Core {
 public:
  /// `done`: ids of stages that have results already. `open`: attempts to take over; a gang that
  /// does not come back within a lease loses them.
  Core(const sweep::Plan& plan, const std::set<std::string>& done, const Options& options,
       const std::vector<OpenAttempt>& open = {});

  std::vector<Action> handle(std::int64_t now_ms, const Event& event);

  [[nodiscard]] const std::vector<StageView>& stages() const { return views_; }
  /// Indices of stages that changed since the last call, each once, in ascending order.
  std::vector<std::size_t> take_changed();
  /// How many stages are in a state.
  [[nodiscard]] std::size_t count(StageState state) const {
    return counts_[static_cast<std::size_t>(state)];
  }
  [[nodiscard]] std::vector<GangView> gangs() const;
  [[nodiscard]] bool knows_gang(const std::string& gang) const { return gangs_.contains(gang); }
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] bool stopping() const { return stopping_; }
  [[nodiscard]] bool paused() const { return paused_; }
  [[nodiscard]] bool draining() const { return draining_; }
  [[nodiscard]] const Hosts& hosts() const { return hosts_; }

 private:
  struct Node {
    std::vector<std::size_t> inputs, dependants;
    std::size_t missing = 0;  ///< Inputs that are not done.
    std::int64_t steps = 1;
    sweep::CostBook::Shape shape = 0;
    double expected = 0;          ///< Seconds.
    double remaining = 0;         ///< Expected seconds on the longest path from here to the end.
    std::int64_t not_before = 0;  ///< Pause after a failure.
    std::int64_t ticket = 0;      ///< Of the latest BeginAttempt.
    bool is_training = false;
    bool committing = false;  ///< A result is on its way into the database.
  };
  /// The steps of the training at work, from the first heartbeat with any.
  struct Timing {
    std::int64_t progress = -1, since = 0;
    bool is_done = false;
  };
  struct Gang {
    GangState state = GangState::Launching;
    std::string host;
    int ranks = 1;
    std::vector<int> devices;       ///< Slots it takes its share of; none if not launched here.
    std::deque<std::size_t> queue;  ///< Stages it holds; the first is at work.
    bool connected = false;
    bool makes_room = false;  ///< It leaves so that a gang of another size can start.
    std::int64_t heard = 0;   ///< Last sign of life of its stalest rank.
    std::int64_t started = 0, advanced = 0, progress = -1;  ///< Of the stage at work.
    std::int64_t deadline = 0, assigned = 0, idle_since = 0, number = 0, served = 0;
    std::int64_t idle_beats_since = -1;  ///< It says that it has nothing to do.
    Timing timing;
  };
  struct Slot {
    int free_milli = 1000;
    int deaths = 0;  ///< Since the latest Hello.
    std::int64_t not_before = 0;
    bool given_up = false;
  };
  using Gangs = std::map<std::string, Gang>;
  /// Best first.
  struct Rank {
    int priority;
    double remaining, expected;
    std::size_t index;
    bool operator<(const Rank& other) const;
  };

  Gang* find(const std::string& gang);
  /// The gang, if it holds this very lease.
  Gang* holder(const std::string& gang, std::size_t stage, std::int64_t fence);
  /// npos where there is no such stage.
  [[nodiscard]] std::size_t index_of(const std::string& stage) const;

  void on(const Start& event);
  void on(const Tick& event);
  void on(const StopRequested& event);
  void on(const PauseRequested& event);
  void on(const ResumeRequested& event);
  void on(const DrainRequested& event);
  void on(const CancelRequested& event);
  void on(const RetryRequested& event);
  void on(const PriorityRequested& event);
  void on(const PlanAdded& event);
  void on(const GangStarting& event);
  void on(const GangConnected& event);
  void on(const GangDisconnected& event);
  void on(const GangExited& event);
  void on(const GangHeartbeat& event);
  void on(const ResultReceived& event);
  void on(const FailureReceived& event);
  void on(const AttemptBegun& event);
  void on(const CommitDone& event);

  void add_stages(const sweep::Plan& plan, const std::set<std::string>& done);
  void set_state(std::size_t stage, StageState state);
  void touch(std::size_t stage);
  [[nodiscard]] Rank rank_of(std::size_t stage) const;
  void make_ready(std::size_t stage);

  /// Takes a stage out of a gang's queue.
  void release(Gang& gang, std::size_t stage);
  /// Ends a lease and puts the stage back without a failure.
  void hand_back(Gang& gang, std::size_t stage, const std::string& message);
  /// Ends every lease of a gang that is gone: the stage at work has a loss, the others have none.
  void lose_leases(Gang& gang, const std::string& outcome, const std::string& message,
                   bool blameless = false);
  void count_failure(std::size_t stage, const std::string& message, FailureClass kind);
  void fail(std::size_t stage, const std::string& message);
  void abort_dependants(std::size_t stage);
  void succeed(std::size_t stage, const std::string& gang, std::int64_t fence);
  void restart_clock(Gang& gang) const;
  void time_steps(Gang& gang, std::size_t stage);
  void measure(const Gang& gang, std::size_t stage);
  void learn(const Gang& gang, std::size_t stage, const sweep::StepCost& cost);
  void reckon();
  void blame(const std::string& host, std::size_t stage);

  void kill(const std::string& name, Gang& gang, const std::string& reason);
  void shut_down(const std::string& name, Gang& gang, const std::string& reason);
  void check_idle(const std::string& name, Gang& gang);
  void watch();
  void watch_busy(const std::string& name, Gang& gang);
  void assign(const std::string& name, Gang& gang, std::size_t stage);
  void send_assign(const std::string& name, Gang& gang, std::size_t stage);
  void schedule();
  void fill(const std::string& name, Gang& gang, std::size_t fair);
  void wake_waiting();
  [[nodiscard]] std::set<Rank>::const_iterator first_for(const Gang& gang) const;
  [[nodiscard]] bool resize(std::size_t stage, const std::string& name, Gang& gang);
  [[nodiscard]] int wanted_ranks(std::size_t stage, int room, std::size_t sharers) const;
  void launch();
  void trim();
  void free_devices(const Gang& gang);
  [[nodiscard]] std::vector<int> devices_for(int ranks) const;
  [[nodiscard]] int free_ranks() const;
  void settle();
  [[nodiscard]] bool all_ended() const;
  [[nodiscard]] std::int64_t pause(int failures) const;

  Options options_;
  std::vector<StageView> views_;
  std::vector<Node> nodes_;
  std::array<std::size_t, 7> counts_{};
  std::map<std::string, std::size_t> index_;
  std::set<Rank> ready_;                                    ///< May start now.
  std::set<std::pair<std::int64_t, std::size_t>> waiting_;  ///< Ready, but pausing until then.
  std::set<std::size_t> changed_;
  Gangs gangs_;
  std::vector<Slot> slots_;
  sweep::CostBook costs_;
  double work_left_ = 0;  ///< Expected seconds of all stages that have not ended.
  Hosts hosts_;
  std::string last_death_;
  std::int64_t now_ = 0;
  std::int64_t launched_ = 0, tickets_ = 0;
  bool stopping_ = false, paused_ = false, draining_ = false, finished_ = false;
  std::vector<Action> actions_;
};

}  // namespace reprise::core
