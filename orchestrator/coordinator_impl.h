#pragma once
/// The coordinator itself: the core's decisions meet the port, the database and the launcher.
/// Internal to coordinator*.cpp; everybody else calls run_plan.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <set>

#include "orchestrator/certificate.h"
#include "orchestrator/control.h"
#include "orchestrator/coordinator.h"
#include "orchestrator/core.h"
#include "orchestrator/engine.h"
#include "orchestrator/ledger.h"
#include "orchestrator/metrics.h"
#include "orchestrator/session.h"
#include "orchestrator/status_board.h"

namespace reprise {

class Coordinator final : public SessionHost, public ControlHost, public core::Ports {
 public:
  Coordinator(db::Store& store, const sweep::Plan& plan,
              const std::map<std::string, std::filesystem::path>& dataset_paths,
              const RunOptions& options, Observer& observer);

  RunOutcome run();

  // What sessions ask for (coordinator_gangs.cpp).
  [[nodiscard]] const web::Routes& routes() const override { return routes_; }
  ConnectionGate& gate() override { return gate_; }
  boost::asio::ssl::context* tls() override { return identity_.tls.get(); }
  boost::asio::thread_pool& background() override { return background_; }
  std::string live_json() override;
  void on_message(const std::shared_ptr<Session>& session, wire::FromGang message) override;
  void on_closed(const std::shared_ptr<Session>& session) override;
  void on_note(const std::string& line) override { observer_.on_note(line); }

  // What people ask for.
  [[nodiscard]] std::vector<const sweep::Plan*> plans() const override { return plans_; }
  [[nodiscard]] std::string status_json() const override;
  [[nodiscard]] std::string metrics() const override;
  void act(const ActionRequest& request) override;
  std::string add_study(const std::string& text, const std::string& who) override;

  // What the core asks for (coordinator_actions.cpp).
  std::vector<core::Event> commit(const std::vector<core::Action>& batch) override;
  void perform(const core::Action& action) override;

 private:
  /// The processes that have said Hello under one gang's name.
  struct Copies {
    std::string newest;             ///< "HOST:PID"
    std::set<std::string> retired;  ///< That a newer one took the place of.
  };

  static std::int64_t now_ms();
  void register_datasets(const sweep::Plan& plan,
                         const std::map<std::string, std::filesystem::path>& paths);
  void join(const AddedStudy& added);
  void grow();
  void listen();
  void tell_address();
  void accept();
  void wait_signals();
  void tick();
  void finish();
  void feed(const core::Event& event);
  void settle();
  void flush();

  void poll_launcher();
  void take(const GangSubmitted& event);
  void take(const GangStarting& event);
  void take(const GangExit& event);
  void greet(const std::shared_ptr<Session>& session, const wire::Hello& hello);
  [[nodiscard]] bool is_retired(const wire::Hello& hello);
  void refuse(const std::shared_ptr<Session>& session, const wire::FromGang& message);
  void send(const std::string& gang, const wire::ToGang& message);

  /// Durable actions do not come here.
  template <typename Durable>
  void perform(const Durable& /*action*/) {}
  void perform(const core::LaunchGang& action);
  void perform(const core::ShutdownGang& action);
  void perform(const core::KillGang& action);
  void perform(const core::Assign& action);
  void perform(const core::Ack& action);
  void perform(const core::Revoke& action);
  void perform(const core::Finished& action);

  ConnectionGate gate_;  ///< Before io_: the connections that are destroyed with it give up places.
  // Destroyed last but for that, with the coroutines that are still suspended in it.
  boost::asio::io_context io_{1};
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
  const Identity identity_;
  web::Routes routes_;
  std::map<std::string, std::shared_ptr<Session>> sessions_;  ///< By gang.
  std::map<std::string, Copies> copies_;                      ///< By gang.
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  boost::asio::signal_set signals_{io_, SIGINT, SIGTERM, SIGCHLD};
  boost::asio::steady_timer timer_{io_}, retry_{io_};
  std::string database_trouble_;
  std::size_t ended_ = 0;  ///< Stages, when `grow` looked last.
  bool flushing_ = false;
  bool interrupted_ = false;
  bool requeue_ = false;  ///< SIGUSR1 came.
  /// Joined before anything that its handlers use is gone.
  boost::asio::thread_pool background_{1};
};

}  // namespace reprise
