#include "orchestrator/coordinator.h"

#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cmath>
#include <set>

#include "orchestrator/assignment.h"
#include "orchestrator/control.h"
#include "orchestrator/core.h"
#include "orchestrator/engine.h"
#include "orchestrator/launcher.h"
#include "orchestrator/ledger.h"
#include "orchestrator/listen.h"
#include "orchestrator/metrics.h"
#include "orchestrator/session.h"
#include "orchestrator/status.h"
#include "orchestrator/status_board.h"
#include "orchestrator/workspace.h"
#include "sweep/error.h"

namespace reprise {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::milliseconds kTick{200};
constexpr std::chrono::seconds kDatabaseRetry{1};

std::int64_t now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

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
  for (const db::TimingRow& row : store.timings()) {
    result.measured.push_back(
        {sweep::stage_kind_from(row.kind), row.steps, row.ranks, row.duration_ms});
  }
  return result;
}

std::set<std::string> done_stages(const db::Store& store, const sweep::Plan& plan) {
  std::set<std::string> done;
  for (const sweep::Stage& stage : plan.stages) {
    if (store.is_done(stage.id)) done.insert(stage.id);
  }
  return done;
}

class Coordinator final : public SessionHost, public ControlHost, public core::Ports {
 public:
  Coordinator(db::Store& store, const sweep::Plan& plan,
              const std::map<std::string, std::filesystem::path>& dataset_paths,
              const RunOptions& options, Observer& observer)
      : store_(store),
        plans_{&plan},
        options_(options),
        observer_(observer),
        core_(plan, done_stages(store, plan), core_options(options, store)),
        ledger_(store, options.workspace),
        launcher_(make_launcher({.kind = options.launcher,
                                 .workspace = options.workspace,
                                 .worker_binary = options.worker_binary,
                                 .ranks = options.ranks,
                                 .threads = options.threads,
                                 .device = options.device,
                                 .slurm = options.slurm})),
        board_(plan, core_, observer),
        routes_({token_, view_token_}, {"127.0.0.1", "localhost", "[::1]", options.bind}) {
    register_datasets(plan, dataset_paths);
  }

  RunOutcome run() {
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
    feed(core::Start{});
    io_.run();
    remove_coordinator_file(options_.workspace);
    RunOutcome outcome = outcome_of(core_.stages(), interrupted_);
    outcome.requeue = requeue_;
    return outcome;
  }

  [[nodiscard]] const web::Routes& routes() const override { return routes_; }
  ConnectionGate& gate() override { return gate_; }

  [[nodiscard]] std::vector<const sweep::Plan*> plans() const override { return plans_; }
  [[nodiscard]] std::string status_json() const override {
    return reprise::status_json(plans_.front()->study, board_.stages(), core_);
  }
  [[nodiscard]] std::string live_json() override {
    return reprise::live_json(plans_.front()->study, store_.commits(), board_.stages(), core_);
  }
  asio::thread_pool& background() override { return background_; }
  [[nodiscard]] std::string metrics() const override {
    return metrics_text(core_, board_.stages(), counters_, now_ms());
  }
  void act(const ActionRequest& request) override {
    store_.add_event(request.kind, request.text, request.who);
    observer_.on_note(request.kind + " " + request.text + " (" + request.who + ")");
    feed(request.event);
  }
  std::string add_study(const std::string& text, const std::string& who) override {
    if (!options_.add_study) throw_invalid("this coordinator takes no more studies");
    const AddedStudy added = options_.add_study(text);
    register_datasets(*added.plan, added.datasets);
    store_.add_event("add-study", added.plan->study, who);
    observer_.on_note("study " + added.plan->study + " is added (" + who + ")");
    plans_.push_back(added.plan.get());
    added_.push_back(added.plan);
    engine_.feed(now_ms(), core::PlanAdded{added.plan, done_stages(store_, *added.plan)});
    board_.add(*added.plan);
    settle();
    return added.plan->study;
  }

  void on_note(const std::string& line) override { observer_.on_note(line); }

  void on_message(const std::shared_ptr<Session>& session, wire::FromGang message) override {
    if (session->turned_away) return;
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

  void on_closed(const std::shared_ptr<Session>& session) override {
    const auto found = sessions_.find(session->gang);
    if (found == sessions_.end() || found->second != session) return;
    sessions_.erase(found);
    feed(core::GangDisconnected{session->gang});
  }

 private:
  /// Two studies may call different data sets by one name: a stage's is known by its digest.
  void register_datasets(const sweep::Plan& plan,
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

  void listen() {
    open_acceptor(acceptor_, options_.bind, options_.port);
    write_coordinator_file(options_.workspace, {options_.bind, acceptor_.local_endpoint().port(),
                                                token_, view_token_, static_cast<int>(::getpid())});
  }

  /// Where people look; the secret is told by `reprise dashboard`, not in a log.
  void tell_address() {
    if (options_.site.empty()) return;
    observer_.on_note("dashboard on port " + std::to_string(acceptor_.local_endpoint().port()) +
                      "; its address: reprise dashboard -w " + options_.workspace.string());
  }

  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
      if (!error) serve(std::move(socket), *this);
      accept();
    });
  }

  void wait_signals() {
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

  void tick() {
    timer_.expires_after(kTick);
    timer_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      poll_launcher();
      feed(core::Tick{});
      observer_.on_tick(board_.stages());
      if (!core_.finished()) tick();
    });
  }

  void poll_launcher() {
    std::set<std::string> connected;
    for (const auto& [gang, session] : sessions_) connected.insert(gang);
    for (const LaunchEvent& event : launcher_->poll(now_ms(), connected)) {
      std::visit([this](const auto& e) { take(e); }, event);
    }
  }

  void take(const GangSubmitted& event) {
    observer_.on_note("gang " + event.gang + " is Slurm job " + event.job);
  }
  void take(const GangStarting& event) { feed(core::GangStarting{event.gang}); }
  void take(const GangExit& event) {
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
  }

  void greet(const std::shared_ptr<Session>& session, const wire::Hello& hello) {
    if (hello.protocol != wire::kProtocolVersion) {
      throw_corrupt("protocol " + std::to_string(hello.protocol) + " is not " +
                    std::to_string(wire::kProtocolVersion));
    }
    if (!core_.knows_gang(hello.gang)) {
      // An old copy that Slurm forgot, or a gang of an earlier coordinator.
      ++counters_.turned_away;
      session->turned_away = true;
      session->send(wire::Shutdown{"no such gang"});
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

  void feed(const core::Event& event) {
    engine_.feed(now_ms(), event);
    settle();
  }

  /// What other events that wait already bring shares the transaction.
  void settle() {
    board_.refresh();
    if (engine_.pending().empty() || flushing_) return;
    flushing_ = true;
    asio::post(io_, [this] { flush(); });
  }

  void flush() {
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

  std::vector<core::Event> commit(const std::vector<core::Action>& batch) override {
    const auto start = std::chrono::steady_clock::now();
    std::vector<core::Event> answers = ledger_.commit(batch);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    counters_.commit_seconds += took.count();
    ++counters_.commits;
    return answers;
  }
  void perform(const core::Action& action) override {
    std::visit([this](const auto& a) { perform(a); }, action);
  }
  /// Durable actions do not come here.
  template <typename Durable>
  void perform(const Durable&) {}

  void send(const std::string& gang, const wire::ToGang& message) {
    if (const auto found = sessions_.find(gang); found != sessions_.end()) {
      found->second->send(message);
    }
  }

  void perform(const core::LaunchGang& a) {
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
  void perform(const core::ShutdownGang& a) {
    if (sessions_.contains(a.gang)) {
      send(a.gang, wire::Shutdown{a.reason});
    } else {
      launcher_->kill(a.gang, now_ms());
    }
  }
  void perform(const core::KillGang& a) {
    observer_.on_note("gang " + a.gang + " is killed: " + a.reason);
    launcher_->kill(a.gang, now_ms());
  }
  void perform(const core::Assign& a) {
    const sweep::Stage& stage = board_.stage(a.stage);
    board_.reset_progress(a.stage);
    try {
      send(a.gang, make_assignment(store_, stage, a.fence, datasets_.at(stage.dataset_digest)));
    } catch (const Error& error) {
      feed(core::FailureReceived{a.gang, a.stage, a.fence, std::string(to_string(error.code())),
                                 error.what()});
    }
  }
  void perform(const core::Ack& a) { send(a.gang, wire::Ack{a.stage, a.fence}); }
  void perform(const core::Revoke& a) {
    ++counters_.revoked;
    send(a.gang, wire::Revoke{a.stage, a.fence, a.reason});
  }
  void perform(const core::Finished&) { finish(); }

  /// Once the last attempts' ends are durable.
  void finish() {
    if (!engine_.pending().empty()) {
      asio::post(io_, [this] { finish(); });
      return;
    }
    // Not io_.stop(): the handlers end by themselves once nothing is left to wait for.
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    signals_.cancel(ignored);
    timer_.cancel();
    retry_.cancel();
    for (const auto& [gang, session] : sessions_) session->close();
    asio::post(io_, [this] { io_.stop(); });
  }

  ConnectionGate gate_;  ///< Before io_: the connections that are destroyed with it give up places.
  // Destroyed last but for that, with the coroutines that are still suspended in it.
  asio::io_context io_{1};
  db::Store& store_;
  std::vector<const sweep::Plan*> plans_;
  std::vector<std::shared_ptr<const sweep::Plan>> added_;
  std::map<std::string, std::filesystem::path> datasets_;  ///< By digest.
  const RunOptions& options_;
  Observer& observer_;
  core::Core core_;
  core::Engine engine_{core_, *this};
  Ledger ledger_;
  std::unique_ptr<Launcher> launcher_;
  StatusBoard board_;
  Counters counters_{.started_ms = now_ms()};
  const std::string token_ = random_token();
  const std::string view_token_ = random_token();
  web::Routes routes_;
  std::map<std::string, std::shared_ptr<Session>> sessions_;
  tcp::acceptor acceptor_{io_};
  asio::signal_set signals_{io_, SIGINT, SIGTERM, SIGCHLD};
  asio::steady_timer timer_{io_}, retry_{io_};
  std::string database_trouble_;
  bool flushing_ = false;
  bool interrupted_ = false;
  bool requeue_ = false;             ///< SIGUSR1 came.
  asio::thread_pool background_{1};  ///< Joined before anything that its handlers use is gone.
};

}  // namespace

RunOutcome run_plan(const WorkspaceLock& /*held*/, db::Store& store, const sweep::Plan& plan,
                    const std::map<std::string, std::filesystem::path>& dataset_paths,
                    const RunOptions& options, Observer& observer) {
  return Coordinator(store, plan, dataset_paths, options, observer).run();
}

}  // namespace reprise
