#include "tests/simulation/database.h"

namespace reprise::simulation {

using Outcome = core::CommitDone::Outcome;

std::vector<core::Event> Database::apply(const std::vector<core::Action>& batch, Random& random,
                                         double refuse_result) {
  std::vector<core::Event> answers;
  ++commits_;
  for (const core::Action& action : batch) {
    if (const auto* begin = std::get_if<core::BeginAttempt>(&action)) {
      const std::int64_t fence = ++fences_;
      newest_[begin->stage] = fence;
      open_[fence] = {begin->stage, begin->gang};
      ++begun_[begin->stage];
      answers.emplace_back(core::AttemptBegun{begin->gang, begin->stage, begin->ticket, fence});
    } else if (const auto* commit = std::get_if<core::CommitResult>(&action)) {
      core::CommitDone answer{commit->gang, commit->stage, commit->fence, Outcome::Stale, ""};
      const auto found = results_.find(commit->stage);
      if (found != results_.end()) {
        if (found->second == commit->fence) answer.outcome = Outcome::Committed;
      } else if (is_live(commit->stage, commit->fence)) {
        if (random.chance(refuse_result)) {
          answer.outcome = Outcome::Refused;
        } else {
          answer.outcome = Outcome::Committed;
          results_[commit->stage] = commit->fence;
          open_.erase(commit->fence);
        }
      }
      answers.emplace_back(answer);
    } else if (const auto* end = std::get_if<core::EndAttempt>(&action)) {
      if (end->fence <= 0 || end->fence > fences_) throw Broken{"an attempt ends that never began"};
      open_.erase(end->fence);
    } else if (const auto* cost = std::get_if<core::RecordCost>(&action)) {
      if (cost->fence <= 0 || cost->fence > fences_) throw Broken{"steps of no attempt are timed"};
    }
  }
  return answers;
}

std::set<std::string> Database::done() const {
  std::set<std::string> stages;
  for (const auto& [stage, fence] : results_) stages.insert(stage);
  return stages;
}

bool Database::is_live(const std::string& stage, std::int64_t fence) const {
  const auto found = newest_.find(stage);
  return found != newest_.end() && found->second == fence && open_.contains(fence);
}

std::vector<core::OpenAttempt> Database::open() const {
  std::vector<core::OpenAttempt> attempts;
  for (const auto& [fence, attempt] : open_) {
    attempts.push_back({attempt.stage, attempt.gang, fence, 1});
  }
  return attempts;
}

std::uint64_t Database::begun(const std::string& stage) const {
  const auto found = begun_.find(stage);
  return found == begun_.end() ? 0 : found->second;
}

}  // namespace reprise::simulation
