// Stages: how they come in, become ready, fail and end.
#include <algorithm>

#include "orchestrator/core.h"
#include "sweep/error.h"

namespace reprise::core {
namespace {

/// 1 while there is work left in it, else 0.
int is_open(StageState state) {
  return state == StageState::Blocked || state == StageState::Ready || state == StageState::Running
             ? 1
             : 0;
}

}  // namespace

std::string_view to_string(StageState state) {
  switch (state) {
    case StageState::Blocked:
      return "blocked";
    case StageState::Ready:
      return "ready";
    case StageState::Running:
      return "running";
    case StageState::Done:
      return "done";
    case StageState::Failed:
      return "failed";
    case StageState::Aborted:
      return "aborted";
    case StageState::Cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string_view to_string(GangState state) {
  switch (state) {
    case GangState::Launching:
      return "launching";
    case GangState::Idle:
      return "idle";
    case GangState::Busy:
      return "busy";
    case GangState::Stopping:
      return "stopping";
    case GangState::Dying:
      return "dying";
  }
  return "unknown";
}

bool Core::Rank::operator<(const Rank& other) const {
  return std::tuple(-priority, -remaining, -expected, index) <
         std::tuple(-other.priority, -other.remaining, -other.expected, other.index);
}

Core::Rank Core::rank_of(std::size_t stage) const {
  return {views_[stage].priority, nodes_[stage].remaining, nodes_[stage].expected, stage};
}

void Core::touch(std::size_t stage) { changed_.insert(stage); }

void Core::set_state(std::size_t stage, StageState state) {
  StageView& view = views_[stage];
  if (view.state == StageState::Ready) {
    ready_.erase(rank_of(stage));
    waiting_.erase({nodes_[stage].not_before, stage});
  }
  --counts_[static_cast<std::size_t>(view.state)];
  ++counts_[static_cast<std::size_t>(state)];
  work_left_ += nodes_[stage].expected * (is_open(state) - is_open(view.state));
  view.state = state;
  if (state != StageState::Running && state != StageState::Done) view.gang.clear();
  touch(stage);
}

void Core::make_ready(std::size_t stage) {
  set_state(stage, StageState::Ready);
  if (nodes_[stage].not_before > now_) {
    waiting_.emplace(nodes_[stage].not_before, stage);
  } else {
    ready_.insert(rank_of(stage));
  }
}

void Core::wake_waiting() {
  while (!waiting_.empty() && waiting_.begin()->first <= now_) {
    const std::size_t stage = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    ready_.insert(rank_of(stage));
  }
}

void Core::add_stages(const sweep::Plan& plan, const std::set<std::string>& done) {
  const std::size_t first = views_.size();
  std::set<std::string> fresh;
  for (const sweep::Stage& stage : plan.stages) {
    if (!fresh.insert(stage.id).second) throw_invalid("stage " + stage.id + " is there twice");
    for (const auto& [role, input] : stage.inputs) {
      if (index_of(input) == static_cast<std::size_t>(-1)) {
        throw_invalid("stage " + stage.label + ": its input " + role + " is not before it");
      }
    }
    if (!index_.try_emplace(stage.id, views_.size()).second) continue;
    const std::size_t at = views_.size();
    StageView& view = views_.emplace_back();
    view.id = stage.id;
    view.label = stage.label;
    view.reused = done.contains(stage.id);
    Node& node = nodes_.emplace_back();
    node.steps = std::max<std::int64_t>(1, stage.steps);
    node.shape = costs_.shape_of(stage);
    node.is_training = sweep::is_training(stage.kind);
    ++counts_[static_cast<std::size_t>(StageState::Blocked)];
    for (const auto& [role, input] : stage.inputs) {
      const std::size_t needs = index_of(input);
      node.inputs.push_back(needs);
      nodes_[needs].dependants.push_back(at);
      if (!views_[needs].reused && views_[needs].state != StageState::Done) ++node.missing;
    }
  }
  reckon();  // Paths may have grown longer.
  for (std::size_t i = first; i < views_.size(); ++i) {
    touch(i);
    if (views_[i].reused) {
      set_state(i, StageState::Done);
    } else if (nodes_[i].missing == 0) {
      make_ready(i);
    }
  }
  // An input that failed for good fails what was added behind it.
  for (std::size_t i = first; i < views_.size(); ++i) {
    for (const std::size_t input : nodes_[i].inputs) {
      const StageState state = views_[input].state;
      if (state == StageState::Failed || state == StageState::Aborted ||
          state == StageState::Cancelled) {
        abort_dependants(input);
      }
    }
  }
}

void Core::count_failure(std::size_t stage, const std::string& message, FailureClass kind) {
  StageView& view = views_[stage];
  view.message = message;
  int& count = kind == FailureClass::Infrastructure ? view.losses : view.failures;
  const int most =
      kind == FailureClass::Infrastructure ? options_.losses_max : options_.failures_max;
  ++count;
  if (kind == FailureClass::Permanent || count >= most) {
    fail(stage, message);
    return;
  }
  nodes_[stage].not_before = now_ + pause(count);
  make_ready(stage);
}

void Core::fail(std::size_t stage, const std::string& message) {
  views_[stage].message = message;
  set_state(stage, StageState::Failed);
  actions_.emplace_back(StageFailed{views_[stage].id, message});
  abort_dependants(stage);
}

void Core::abort_dependants(std::size_t stage) {
  // Without recursion: a chain may be long.
  std::vector<std::size_t> open{stage};
  while (!open.empty()) {
    const std::size_t at = open.back();
    open.pop_back();
    const StageState why = views_[at].state;
    const std::string text = "its input \"" + views_[at].label + "\" " +
                             (why == StageState::Failed      ? "failed"
                              : why == StageState::Cancelled ? "was cancelled"
                                                             : "was aborted");
    for (const std::size_t next : nodes_[at].dependants) {
      if (views_[next].state != StageState::Blocked) continue;
      views_[next].message = text;
      set_state(next, StageState::Aborted);
      actions_.emplace_back(StageAborted{views_[next].id, text});
      open.push_back(next);
    }
  }
}

std::int64_t Core::pause(int failures) const {
  const int doublings = std::clamp(failures - 1, 0, 20);
  return std::min(options_.backoff_max_ms, options_.backoff_ms << doublings);
}

bool Core::all_ended() const {
  return count(StageState::Blocked) + count(StageState::Ready) + count(StageState::Running) == 0;
}

}  // namespace reprise::core
