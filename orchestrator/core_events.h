#pragma once
/// What goes into the scheduler and what comes out.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "sweep/plan.h"

namespace reprise::core {

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
struct PlanAdded {  ///< Stages that are there already are shared.
  std::shared_ptr<const sweep::Plan> plan;
  std::set<std::string> done;
};
struct GangStarting {  ///< It left the queue.
  std::string gang;
};
struct GangConnected {
  std::string gang, host = {};
  int ranks = 1;
};
struct GangDisconnected {  ///< It may come back until its lease ends.
  std::string gang;
};
struct GangExited {
  std::string gang, reason;
  bool blameless = false;  ///< Preempted, out of time, its node lost: says nothing of the place.
};
struct GangHeartbeat {
  std::string gang, stage;
  std::int64_t fence = 0, progress = 0;
  std::int64_t stalest_ms = 0;  ///< Age of the last sign of life of the gang's stalest rank.
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
  std::int64_t ticket = 0, fence = 0;
};
struct CommitDone {
  enum class Outcome : std::uint8_t { Committed, Stale, Refused };
  std::string gang, stage;
  std::int64_t fence = 0;
  Outcome outcome = Outcome::Committed;
  std::string message;  ///< Why it was refused.
};
using Event =
    std::variant<Start, Tick, StopRequested, PauseRequested, ResumeRequested, DrainRequested,
                 CancelRequested, RetryRequested, PriorityRequested, PlanAdded, GangStarting,
                 GangConnected, GangDisconnected, GangExited, GangHeartbeat, ResultReceived,
                 FailureReceived, AttemptBegun, CommitDone>;

// ---- actions ------------------------------------------------------------------------------------
struct LaunchGang {
  std::string gang;
  int ranks = 1;
  std::vector<int> devices;  ///< Slot of each rank: the index of its GPU.
};
struct ShutdownGang {  ///< Ask it to checkpoint, hand back and leave.
  std::string gang, reason;
};
struct KillGang {  ///< Make its processes end; answered by GangExited.
  std::string gang, reason;
};
struct BeginAttempt {  ///< Durable; answered by AttemptBegun with the same ticket.
  std::string gang, stage;
  std::int64_t ticket = 0;
};
struct Assign {
  std::string gang, stage;
  std::int64_t fence = 0;
};
struct CommitResult {  ///< Durable; answered by CommitDone.
  std::string gang, stage;
  std::int64_t fence = 0;
};
struct Ack {  ///< Its result is durable.
  std::string gang, stage;
  std::int64_t fence = 0;
};
struct Revoke {
  std::string gang, stage;
  std::int64_t fence = 0;
  std::string reason;
};
struct EndAttempt {  ///< Durable.
  std::int64_t fence = 0;
  std::string stage, outcome, message;
};
struct StageFailed {  ///< Durable.
  std::string stage, message;
};
struct StageAborted {  ///< Durable.
  std::string stage, message;
};
struct RecordCost {  ///< Durable. What a running training's steps take.
  std::int64_t fence = 0;
  std::int64_t steps = 0;  ///< That were timed.
  double step_seconds = 0, start_seconds = 0;
};
struct HostQuarantined {  ///< Durable. No stage and no gang goes there for a while.
  std::string host, message;
};
struct Finished {};
using Action = std::variant<LaunchGang, ShutdownGang, KillGang, BeginAttempt, Assign, CommitResult,
                            Ack, Revoke, EndAttempt, StageFailed, StageAborted, RecordCost,
                            HostQuarantined, Finished>;

/// Whose fault a failed attempt is, and so which budget it is taken from.
enum class FailureClass : std::uint8_t {
  Permanent,       ///< Wrong or damaged input, diverged training: a retry cannot help.
  Own,             ///< The stage's own, as far as we know: crash, hang, out of memory.
  Infrastructure,  ///< Its gang was preempted or its node lost, or what it needs is not there.
};

}  // namespace reprise::core
