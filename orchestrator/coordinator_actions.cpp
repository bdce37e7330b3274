/// What the core decided, done: first what must be durable, then everything else.

#include <boost/asio/post.hpp>
#include <chrono>

#include "orchestrator/assignment.h"
#include "orchestrator/coordinator_impl.h"
#include "sweep/error.h"

namespace reprise {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kDatabaseRetry{1};

}  // namespace

void Coordinator::feed(const core::Event& event) {
  engine_.feed(now_ms(), event);
  settle();
}

/// What other events that wait already bring shares the transaction.
void Coordinator::settle() {
  board_.refresh();
  if (engine_.pending().empty() || flushing_) return;
  flushing_ = true;
  asio::post(io_, [this] { flush(); });
}

void Coordinator::flush() {
  try {
    engine_.flush(now_ms());
    if (!database_trouble_.empty()) observer_.on_note("the database works again");
    database_trouble_.clear();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Exhausted && error.code() != ErrorCode::Unavailable) throw;
    ++counters_.commit_failures;
    // Nothing was sent that is not durable: the sweep rests until the disk has room again.
    if (database_trouble_ != error.what()) {
      database_trouble_ = error.what();
      observer_.on_note("paused, trying again every second: " + database_trouble_);
    }
    retry_.expires_after(kDatabaseRetry);
    retry_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled) flush();
    });
    return;
  }
  flushing_ = false;
  settle();
}

std::vector<core::Event> Coordinator::commit(const std::vector<core::Action>& batch) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<core::Event> answers = ledger_.commit(batch);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  counters_.commit_seconds += took.count();
  ++counters_.commits;
  return answers;
}

void Coordinator::perform(const core::Action& action) {
  std::visit([this](const auto& a) { perform(a); }, action);
}

void Coordinator::perform(const core::LaunchGang& a) {
  try {
    launcher_->launch(a.gang, a.ranks, a.devices, now_ms());
    ++counters_.gangs_started;
    observer_.on_note("gang " + a.gang + " started");
  } catch (const Error& error) {
    // Not from inside this action: the core must finish its turn first.
    asio::post(io_, [this, gang = a.gang, why = std::string(error.what())] {
      feed(core::GangExited{gang, why});
    });
  }
}

void Coordinator::perform(const core::ShutdownGang& a) {
  if (sessions_.contains(a.gang)) {
    send(a.gang, wire::Shutdown{a.reason});
  } else {
    launcher_->kill(a.gang, now_ms());
  }
}

void Coordinator::perform(const core::KillGang& a) {
  observer_.on_note("gang " + a.gang + " is killed: " + a.reason);
  launcher_->kill(a.gang, now_ms());
}

void Coordinator::perform(const core::Assign& a) {
  const sweep::Stage& stage = board_.stage(a.stage);
  board_.reset_progress(a.stage);
  try {
    send(a.gang, make_assignment(store_, stage, a.fence, datasets_.at(stage.dataset_digest)));
  } catch (const Error& error) {
    feed(core::FailureReceived{a.gang, a.stage, a.fence, std::string(to_string(error.code())),
                               error.what()});
  }
}

void Coordinator::perform(const core::Revoke& a) {
  ++counters_.revoked;
  send(a.gang, wire::Revoke{a.stage, a.fence, a.reason});
}

void Coordinator::perform(const core::Ack& a) { send(a.gang, wire::Ack{a.stage, a.fence}); }

void Coordinator::perform(const core::Finished& /*action*/) { finish(); }

}  // namespace reprise
