#pragma once
/// The scheduler: a pure state machine. Events and the time go in, actions come out, in order.
///
/// It has no clock, I/O or threads, so that a simulation can drive it through any disaster. The
/// coordinator performs the actions; those that ask the database something (BeginAttempt,
/// CommitResult) are answered by an event (AttemptBegun, CommitDone).
///
/// Rules: at most one live attempt a stage; a stage is done only after CommitDone; the longest
/// remaining path goes first; a failing stage is retried with growing pauses until its budget is
/// spent, then its dependants are aborted; a silent or stuck gang is killed and its stage goes to
/// another one under a new fence.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sweep/plan.h"

namespace reprise::core {

struct Options {
  int gangs = 1;
  int failures_max = 3;             ///< A stage fails for good at this many failures.
  std::int64_t lease_ms = 15000;    ///< A gang that is silent so long is dead.
  std::int64_t stall_ms = 300000;   ///< An attempt whose progress rests so long is stuck.
  std::int64_t launch_ms = 180000;  ///< From the launch to Hello.
  std::int64_t stop_ms = 30000;     ///< From Shutdown to the kill.
  std::int64_t backoff_ms = 1000;   ///< First pause after a failure; doubles.
  std::int64_t backoff_max_ms = 60000;
  int launch_failures_max = 4;    ///< Gang deaths before Hello, in a row, until we give up.
  std::string prefix = "local-";  ///< Of the gangs' names.
  bool queued = false;            ///< Gangs wait in a queue: `launch_ms` counts from GangStarting.
  std::int64_t idle_ms = 0;       ///< An idle gang leaves after so long; 0: it stays to the end.
  int losses_max = 20;  ///< A stage fails at so many gangs lost through no fault of its own.
};

// ---- events -------------------------------------------------------------------------------------
struct Start {};
struct Tick {};
struct StopRequested {};    ///< The second one kills at once.
struct PauseRequested {};   ///< No stage starts until Resume; what runs goes on.
struct ResumeRequested {};  ///< Also takes back a Drain that has not ended yet.
struct DrainRequested {};   ///< What runs goes on; then the gangs leave and the run ends.
struct CancelRequested {    ///< Ended stages stay as they are; dependants are aborted.
  std::vector<std::string> stages;
};
struct RetryRequested {  ///< Failed, aborted and cancelled stages start over.
  std::vector<std::string> stages;
};
struct PriorityRequested {  ///< Of these stages and, where it is higher, of what they need.
  std::vector<std::string> stages;
  int priority = 0;  ///< Higher goes first; 0 is the default.
};
struct GangStarting {  ///< It left the queue.
  std::string gang;
};
struct GangConnected {
  std::string gang;
};
struct GangDisconnected {  ///< It may come back until its lease ends.
  std::string gang;
};
struct GangExited {
  std::string gang, reason;
  bool blameless = false;  ///< Preempted, out of time, its node lost: not a failure of its stage.
};
struct GangHeartbeat {
  std::string gang, stage;
  std::int64_t fence = 0, progress = 0;
};
struct ResultReceived {
  std::string gang, stage;
  std::int64_t fence = 0;
};
struct FailureReceived {
  std::string gang, stage;
  std::int64_t fence = 0;
  std::string code, message;
};
struct AttemptBegun {
  std::string gang, stage;
  std::int64_t fence = 0;
};
struct CommitDone {
  enum class Outcome : std::uint8_t { Committed, Stale, Refused };
  std::string gang, stage;
  std::int64_t fence = 0;
  Outcome outcome = Outcome::Committed;
  std::string message;  ///< Why it was refused.
};
using Event = std::variant<Start, Tick, StopRequested, PauseRequested, ResumeRequested,
                           DrainRequested, CancelRequested, RetryRequested, PriorityRequested,
                           GangConnected, GangDisconnected, GangExited, GangStarting, GangHeartbeat,
                           ResultReceived, FailureReceived, AttemptBegun, CommitDone>;

// ---- actions ------------------------------------------------------------------------------------
struct LaunchGang {
  std::string gang;
};
struct ShutdownGang {  ///< Ask it to checkpoint, hand back and leave.
  std::string gang, reason;
};
struct KillGang {  ///< Make its processes end; answered by GangExited.
  std::string gang, reason;
};
struct BeginAttempt {
  std::string gang, stage;
};
struct Assign {
  std::string gang, stage;
  std::int64_t fence = 0;
};
struct CommitResult {
  std::string gang, stage;
  std::int64_t fence = 0;
};
struct Ack {
  std::string gang, stage;
  std::int64_t fence = 0;
};
struct Revoke {
  std::string gang, stage;
  std::int64_t fence = 0;
  std::string reason;
};
struct EndAttempt {
  std::int64_t fence = 0;
  std::string stage, outcome, message;
};
struct StageFailed {
  std::string stage, message;
};
struct StageAborted {
  std::string stage, message;
};
struct Finished {};
using Action = std::variant<LaunchGang, ShutdownGang, KillGang, BeginAttempt, Assign, CommitResult,
                            Ack, Revoke, EndAttempt, StageFailed, StageAborted, Finished>;

enum class StageState : std::uint8_t { Blocked, Ready, Running, Done, Failed, Aborted, Cancelled };
/// "blocked", "ready", "running", "done", "failed", "aborted", "cancelled".
std::string_view to_string(StageState state);

struct StageView {
  std::string id, label;
  StageState state = StageState::Blocked;
  std::string gang;        ///< While running, and who did it once done.
  std::int64_t fence = 0;  ///< Of the live or committed attempt; 0 before the first.
  int failures = 0;
  int priority = 0;
  int losses = 0;       ///< Gangs that were lost under it, through no fault of its own.
  bool reused = false;  ///< Its result was there before this run.
  std::string message;  ///< Latest failure.
};

enum class GangState : std::uint8_t { Launching, Idle, Busy, Stopping, Dying };
std::string_view to_string(GangState state);

struct GangView {
  std::string name;
  GangState state = GangState::Launching;
  std::size_t stage = 0;  ///< While Busy: index of the stage.
};

class Core {
 public:
  /// `done`: ids of stages that have results already.
  Core(const sweep::Plan& plan, const std::set<std::string>& done, const Options& options);

  std::vector<Action> handle(std::int64_t now_ms, const Event& event);

  [[nodiscard]] const std::vector<StageView>& stages() const { return views_; }
  [[nodiscard]] std::vector<GangView> gangs() const;
  [[nodiscard]] bool knows_gang(const std::string& gang) const { return find(gang) != nullptr; }
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] bool stopping() const { return stopping_; }
  [[nodiscard]] bool paused() const { return paused_; }
  [[nodiscard]] bool draining() const { return draining_; }

 private:
  struct Node {
    std::vector<std::size_t> inputs, dependants;
    std::int64_t remaining = 0;   ///< Steps on the longest path from here to the end.
    std::int64_t not_before = 0;  ///< Pause after a failure.
  };
  struct Gang {
    GangView view;
    int slot = 0;
    bool connected = false;
    bool committing = false;  ///< A result is on its way into the database.
    std::int64_t heard = 0, advanced = 0, idle_since = 0, progress = -1, deadline = 0;
  };
  struct Slot {
    int deaths = 0;  ///< Since the latest Hello.
    std::int64_t not_before = 0;
    bool given_up = false;
  };

  [[nodiscard]] const Gang* find(const std::string& gang) const;
  Gang* find(const std::string& gang);
  [[nodiscard]] bool holds(const Gang& gang) const;
  /// The gang, if it holds this very lease.
  Gang* holder(const std::string& gang, const std::string& stage, std::int64_t fence);

  void on(const Start& event);
  void on(const Tick& event);
  void on(const StopRequested& event);
  void on(const PauseRequested& event);
  void on(const ResumeRequested& event);
  void on(const DrainRequested& event);
  void on(const CancelRequested& event);
  void on(const RetryRequested& event);
  void on(const PriorityRequested& event);
  void on(const GangStarting& event);
  void on(const GangConnected& event);
  void on(const GangDisconnected& event);
  void on(const GangExited& event);
  void on(const GangHeartbeat& event);
  void on(const ResultReceived& event);
  void on(const FailureReceived& event);
  void on(const AttemptBegun& event);
  void on(const CommitDone& event);

  void end_lease(Gang& gang, const std::string& outcome, const std::string& message,
                 bool blameless = false);
  void count_loss(std::size_t stage, const std::string& message);
  void count_failure(std::size_t stage, const std::string& message, bool retry);
  void fail(std::size_t stage, const std::string& message);
  void abort_dependants(std::size_t stage);
  void unblock();
  void kill(Gang& gang, const std::string& reason);
  void shut_down(Gang& gang, const std::string& reason);
  void watch();
  void trim();
  void schedule();
  void launch();
  void settle();
  [[nodiscard]] bool all_ended() const;
  [[nodiscard]] std::int64_t pause(int failures) const;

  Options options_;
  std::vector<StageView> views_;
  std::vector<Node> nodes_;
  std::map<std::string, std::size_t> index_;
  std::vector<Gang> gangs_;  ///< In the order of their launches.
  std::vector<Slot> slots_;
  std::string last_death_;
  std::int64_t now_ = 0;
  std::int64_t launched_ = 0;
  bool stopping_ = false, paused_ = false, draining_ = false;
  bool finished_ = false;
  std::vector<Action> actions_;
};

}  // namespace reprise::core
