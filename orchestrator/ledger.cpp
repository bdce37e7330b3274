#include "orchestrator/ledger.h"

#include "orchestrator/assignment.h"
#include "sweep/error.h"

namespace reprise {

std::vector<core::Event> Ledger::commit(const std::vector<core::Action>& batch) {
  std::vector<core::Event> answers;
  store_.group([&] {
    answers.clear();
    for (const core::Action& action : batch) {
      if (const auto* a = std::get_if<core::BeginAttempt>(&action)) {
        answers.emplace_back(core::AttemptBegun{a->gang, a->stage, a->ticket, begin(*a)});
      } else if (const auto* result = std::get_if<core::CommitResult>(&action)) {
        answers.emplace_back(commit_result(*result));
      } else if (const auto* end = std::get_if<core::EndAttempt>(&action)) {
        store_.end_attempt(end->fence, end->outcome, end->message);
      } else if (const auto* failed = std::get_if<core::StageFailed>(&action)) {
        store_.add_event("failed", failed->stage + ": " + failed->message);
      } else if (const auto* aborted = std::get_if<core::StageAborted>(&action)) {
        store_.add_event("aborted", aborted->stage + ": " + aborted->message);
      } else if (const auto* cost = std::get_if<core::RecordCost>(&action)) {
        store_.put_cost(cost->fence, {.steps = cost->steps,
                                      .cost = {cost->step_seconds, cost->start_seconds},
                                      .threads = threads_});
      } else if (const auto* host = std::get_if<core::HostQuarantined>(&action)) {
        store_.add_event("quarantine", host->host + ": " + host->message);
      }
    }
  });
  for (const core::Action& action : batch) {
    if (const auto* a = std::get_if<core::CommitResult>(&action)) bodies_.erase(a->fence);
  }
  return answers;
}

std::int64_t Ledger::begin(const core::BeginAttempt& action) {
  const wire::Hello& hello = hello_[action.gang];
  return store_.begin_attempt(action.stage, action.gang, hello.host, hello.device, hello.ranks);
}

core::CommitDone Ledger::commit_result(const core::CommitResult& action) {
  using Outcome = core::CommitDone::Outcome;
  core::CommitDone answer{action.gang, action.stage, action.fence, Outcome::Refused, ""};
  try {
    const boost::json::object& body = bodies_.at(action.fence);
    check_artifacts(body, workspace_);
    const bool committed = store_.commit_result(action.stage, action.fence, body);
    answer.outcome = committed ? Outcome::Committed : Outcome::Stale;
  } catch (const Error& error) {
    // A result that breaks the rules is the gang's failure; a database that fails is ours.
    if (error.code() != ErrorCode::Corrupt && error.code() != ErrorCode::InvalidInput) throw;
    answer.message = error.what();
  }
  return answer;
}

}  // namespace reprise
