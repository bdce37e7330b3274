#include "orchestrator/coordinator.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cmath>
#include <set>

#include "orchestrator/coordinator_file.h"
#include "orchestrator/coordinator_impl.h"
#include "orchestrator/listen.h"
#include "orchestrator/status.h"
#include "orchestrator/workspace.h"
#include "sweep/cost_book.h"
#include "sweep/error.h"

namespace reprise {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::milliseconds kTick{200};

core::Options core_options(const RunOptions& options, const db::Store& store) {
  core::Options result;
  const double slots = std::ceil(options.gangs * options.ranks * options.share - 1e-9);
  result.slots = std::max(1, static_cast<int>(slots));
  result.share_milli = std::clamp(static_cast<int>(std::lround(options.share * 1000)), 1, 1000);
  result.ranks_min = options.ranks;
  result.ranks_max = std::max(options.ranks, options.ranks_max);
  result.failures_max = options.failures_max;
  result.lease_ms = options.lease_ms;
  result.stall_ms = options.stall_ms;
  result.idle_ms = options.idle_ms;
  result.queued = options.launcher == LauncherKind::Slurm;
  // Random digits: a gang of an earlier coordinator is never taken for one of ours.
  result.prefix =
      std::string(to_string(options.launcher)) + "-" + random_token().substr(0, 8) + "-";
  result.costs =
      sweep::CostBook(store.cost_samples(), {.device = options.device, .threads = options.threads});
  return result;
}

std::set<std::string> done_stages(const db::Store& store, const sweep::Plan& plan) {
  std::set<std::string> done;
  for (const sweep::Stage& stage : plan.stages) {
    if (store.is_done(stage.id)) done.insert(stage.id);
  }
  return done;
}

}  // namespace

std::int64_t Coordinator::now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Coordinator::Coordinator(db::Store& store, const sweep::Plan& plan,
                         const std::map<std::string, std::filesystem::path>& dataset_paths,
                         const RunOptions& options, Observer& observer)
    : store_(store),
      plans_{&plan},
      options_(options),
      observer_(observer),
      core_(plan, done_stages(store, plan), core_options(options, store)),
      ledger_(store, options.workspace, options.threads),
      launcher_(make_launcher({.kind = options.launcher,
                               .workspace = options.workspace,
                               .worker_binary = options.worker_binary,
                               .ranks = options.ranks,
                               .threads = options.threads,
                               .device = options.device,
                               .slurm = options.slurm})),
      board_(plan, core_, observer),
      identity_(identity_of(options.workspace, options.bind, options.tls)),
      routes_({token_, view_token_}, identity_.names) {
  register_datasets(plan, dataset_paths);
}

RunOutcome Coordinator::run() {
  add_control_routes(routes_, *this);
  for (const web::Route& route : options_.site) routes_.add(route);
  if (store_.end_abandoned_attempts() > 0) {
    observer_.on_note("attempts of a coordinator that died are taken up again");
  }
  board_.announce_reused();
  listen();
  tell_address();
  signals_.add(SIGUSR1);
  wait_signals();
  accept();
  tick();
  for (const AddedStudy& added : options_.beside) join(added);
  feed(core::Start{});
  io_.run();
  remove_coordinator_file(options_.workspace);
  RunOutcome outcome = outcome_of(core_.stages(), interrupted_);
  outcome.requeue = requeue_;
  return outcome;
}

std::string Coordinator::status_json() const {
  return reprise::status_json(plans_.front()->study, board_.stages(), core_);
}

std::string Coordinator::metrics() const {
  return metrics_text(core_, board_.stages(), counters_, now_ms());
}

void Coordinator::act(const ActionRequest& request) {
  store_.add_event(request.kind, request.text, request.who);
  observer_.on_note(request.kind + " " + request.text + " (" + request.who + ")");
  feed(request.event);
}

std::string Coordinator::add_study(const std::string& text, const std::string& who) {
  if (!options_.add_study) throw_invalid("this coordinator takes no more studies");
  const AddedStudy added = options_.add_study(text);
  store_.add_event("add-study", added.plan->study, who);
  observer_.on_note("study " + added.plan->study + " is added (" + who + ")");
  join(added);
  settle();
  return added.plan->study;
}

/// A study joins, or one that is there already has grown.
void Coordinator::join(const AddedStudy& added) {
  register_datasets(*added.plan, added.datasets);
  const auto same = std::find_if(plans_.begin(), plans_.end(), [&](const sweep::Plan* plan) {
    return plan->study == added.plan->study;
  });
  if (same == plans_.end()) {
    plans_.push_back(added.plan.get());
  } else {
    *same = added.plan.get();
  }
  added_.push_back(added.plan);
  engine_.feed(now_ms(), core::PlanAdded{added.plan, done_stages(store_, *added.plan)});
  board_.add(*added.plan);
}

/// Searches decide on what comes next as soon as they can, whatever else still runs.
void Coordinator::grow() {
  using core::StageState;
  const std::size_t ended = core_.count(StageState::Done) + core_.count(StageState::Failed);
  if (!options_.grown || ended == ended_ || core_.stopping()) return;
  ended_ = ended;
  for (const AddedStudy& study : options_.grown()) {
    observer_.on_note("the search of " + study.plan->study + " goes on");
    join(study);
  }
}

/// Two studies may call different data sets by one name: a stage's is known by its digest.
void Coordinator::register_datasets(const sweep::Plan& plan,
                                    const std::map<std::string, std::filesystem::path>& paths) {
  for (const sweep::Stage& stage : plan.stages) {
    const auto found = paths.find(stage.dataset);
    if (found != paths.end()) {
      datasets_[stage.dataset_digest] = found->second;
    } else if (!store_.is_done(stage.id)) {
      throw_invalid("data set " + stage.dataset + ": has no file: register it first");
    }
  }
}

void Coordinator::listen() {
  open_acceptor(acceptor_, options_.bind, options_.port);
  write_coordinator_file(options_.workspace, {.host = identity_.host,
                                              .port = acceptor_.local_endpoint().port(),
                                              .token = token_,
                                              .view_token = view_token_,
                                              .pid = static_cast<int>(::getpid()),
                                              .fingerprint = identity_.fingerprint});
}

/// Where people look; the secret is told by `reprise dashboard`, not in a log.
void Coordinator::tell_address() {
  if (options_.site.empty()) return;
  observer_.on_note("dashboard on port " + std::to_string(acceptor_.local_endpoint().port()) +
                    "; its address: reprise dashboard -w " + options_.workspace.string());
}

void Coordinator::accept() {
  acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (!error) serve(std::move(socket), *this);
    accept();
  });
}

void Coordinator::wait_signals() {
  signals_.async_wait([this](boost::system::error_code error, int number) {
    if (error) return;
    if (number == SIGCHLD) {
      poll_launcher();
    } else {
      interrupted_ = true;
      // Slurm's --signal before the time limit: other than a person's, it asks for another go.
      requeue_ = requeue_ || number == SIGUSR1;
      observer_.on_note("stopping: gangs checkpoint and hand back; once more kills them");
      feed(core::StopRequested{});
    }
    if (!core_.finished()) wait_signals();
  });
}

void Coordinator::tick() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    poll_launcher();
    grow();
    feed(core::Tick{});
    observer_.on_tick(board_.stages());
    if (!core_.finished()) tick();
  });
}

/// Once the last attempts' ends are durable.
void Coordinator::finish() {
  if (!engine_.pending().empty()) {
    asio::post(io_, [this] { finish(); });
    return;
  }
  // Stopped one turn later: what closing sets off still runs, and who keeps a line open does not
  // hold us.
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  signals_.cancel(ignored);
  timer_.cancel();
  retry_.cancel();
  for (const auto& [gang, session] : sessions_) session->close();
  asio::post(io_, [this] { io_.stop(); });
}

RunOutcome run_plan(const WorkspaceLock& /*held*/, db::Store& store, const sweep::Plan& plan,
                    const std::map<std::string, std::filesystem::path>& dataset_paths,
                    const RunOptions& options, Observer& observer) {
  return Coordinator(store, plan, dataset_paths, options, observer).run();
}

}  // namespace reprise
