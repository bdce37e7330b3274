/// The coordinator's gangs: what they say, and what the launcher says of them.

#include "orchestrator/coordinator_impl.h"
#include "orchestrator/status.h"
#include "sweep/error.h"

namespace reprise {

std::string Coordinator::live_json() {
  return reprise::live_json(plans_.front()->study, store_.commits(), board_.stages(), core_);
}

void Coordinator::on_message(const std::shared_ptr<Session>& session, wire::FromGang message) {
  if (session->turned_away) {
    refuse(session, message);
    return;
  }
  ++counters_.messages.at(message.index());
  if (auto* hello = std::get_if<wire::Hello>(&message)) {
    greet(session, *hello);
  } else if (session->gang.empty()) {
    throw_corrupt("a message before Hello");
  } else if (auto* beat = std::get_if<wire::Heartbeat>(&message)) {
    board_.take_progress(session->gang, *beat);
    feed(core::GangHeartbeat{session->gang, beat->stage, beat->fence, beat->progress,
                             beat->stalest_ms});
  } else if (auto* failure = std::get_if<wire::Failure>(&message)) {
    feed(core::FailureReceived{session->gang, failure->stage, failure->fence, failure->code,
                               failure->message});
  } else if (auto* result = std::get_if<wire::Result>(&message)) {
    const std::size_t before = engine_.pending().size();
    feed(core::ResultReceived{session->gang, result->stage, result->fence});
    // Kept only if the core wants it committed, and not for every repetition.
    if (engine_.pending().size() > before) ledger_.keep(result->fence, std::move(result->body));
  }
}

/// Who was told to leave does so once its reports are answered: they are worth nothing.
void Coordinator::refuse(const std::shared_ptr<Session>& session, const wire::FromGang& message) {
  if (const auto* failure = std::get_if<wire::Failure>(&message)) {
    session->send(wire::Revoke{failure->stage, failure->fence, "no such gang"});
  } else if (const auto* result = std::get_if<wire::Result>(&message)) {
    session->send(wire::Revoke{result->stage, result->fence, "no such gang"});
  }
}

void Coordinator::on_closed(const std::shared_ptr<Session>& session) {
  const auto found = sessions_.find(session->gang);
  if (found == sessions_.end() || found->second != session) return;
  sessions_.erase(found);
  feed(core::GangDisconnected{session->gang});
}

void Coordinator::poll_launcher() {
  std::set<std::string> connected;
  for (const auto& [gang, session] : sessions_) connected.insert(gang);
  for (const LaunchEvent& event : launcher_->poll(now_ms(), connected)) {
    std::visit([this](const auto& e) { take(e); }, event);
  }
}

void Coordinator::take(const GangSubmitted& event) {
  observer_.on_note("gang " + event.gang + " is Slurm job " + event.job);
}

void Coordinator::take(const GangStarting& event) { feed(core::GangStarting{event.gang}); }

void Coordinator::take(const GangExit& event) {
  if (!event.expected) {
    ++counters_.gangs_lost;
    observer_.on_note("gang " + event.gang + " ended: " + event.reason);
  }
  if (const auto found = sessions_.find(event.gang); found != sessions_.end()) {
    const auto session = found->second;
    sessions_.erase(found);
    session->close();
  }
  feed(core::GangExited{event.gang, event.reason, event.blameless});
  ledger_.forget(event.gang);
  copies_.erase(event.gang);
}

/// Slurm may run a job beside its old copy. The newest one has the line; without this the older
/// one would come back for it, and they would take it from each other for ever.
bool Coordinator::is_retired(const wire::Hello& hello) {
  Copies& copies = copies_[hello.gang];
  const std::string copy = hello.host + ":" + std::to_string(hello.pid);
  if (copies.retired.contains(copy)) return true;
  if (!copies.newest.empty() && copies.newest != copy) copies.retired.insert(copies.newest);
  copies.newest = copy;
  return false;
}

void Coordinator::greet(const std::shared_ptr<Session>& session, const wire::Hello& hello) {
  if (hello.protocol != wire::kProtocolVersion) {
    throw_corrupt("protocol " + std::to_string(hello.protocol) + " is not " +
                  std::to_string(wire::kProtocolVersion));
  }
  // Unknown: an old copy that Slurm forgot, or a gang of an earlier coordinator.
  const bool known = core_.knows_gang(hello.gang);
  if (!known || is_retired(hello)) {
    ++counters_.turned_away;
    session->turned_away = true;
    session->send(wire::Shutdown{known ? "a newer copy of this gang is here" : "no such gang"});
    return;
  }
  session->gang = hello.gang;
  auto& current = sessions_[hello.gang];
  if (current && current != session) current->close();
  current = session;
  ledger_.introduce(hello);
  session->send(wire::Welcome{options_.heartbeat_ms});
  feed(core::GangConnected{hello.gang, hello.host, hello.ranks});
}

void Coordinator::send(const std::string& gang, const wire::ToGang& message) {
  if (const auto found = sessions_.find(gang); found != sessions_.end()) {
    found->second->send(message);
  }
}

}  // namespace reprise
