#include "orchestrator/site_server.h"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "orchestrator/certificate.h"
#include "orchestrator/control.h"
#include "orchestrator/listen.h"
#include "orchestrator/session.h"
#include "orchestrator/workspace.h"

namespace reprise {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class SiteServer final : public SessionHost {
 public:
  explicit SiteServer(const SiteServerOptions& options)
      : options_(options),
        identity_(identity_of(options.workspace, options.bind, /*always_tls=*/false)),
        routes_({random_token(), view_token_}, identity_.names) {
    add_viewer_routes(routes_);
    for (const web::Route& route : options.site) routes_.add(route);
  }

  void run() {
    open_acceptor(acceptor_, options_.bind, options_.port);
    signals_.async_wait([this](boost::system::error_code, int) { io_.stop(); });
    accept();
    options_.ready({.host = identity_.host,
                    .port = acceptor_.local_endpoint().port(),
                    .token = "",
                    .view_token = view_token_,
                    .pid = static_cast<int>(::getpid()),
                    .fingerprint = identity_.fingerprint});
    io_.run();
  }

  [[nodiscard]] const web::Routes& routes() const override { return routes_; }
  ConnectionGate& gate() override { return gate_; }
  asio::ssl::context* tls() override { return identity_.tls.get(); }
  asio::thread_pool& background() override { return background_; }
  std::string live_json() override {
    return boost::json::serialize(boost::json::object{{"revision", options_.revision()}});
  }
  // Gangs never come here: there is no route for them.
  void on_message(const std::shared_ptr<Session>&, wire::FromGang) override {}
  void on_closed(const std::shared_ptr<Session>&) override {}
  void on_note(const std::string&) override {}

 private:
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error) serve(std::move(socket), *this);
      accept();
    });
  }

  ConnectionGate gate_;  ///< Before io_: the connections that are destroyed with it give up places.
  // Destroyed last but for that, with the coroutines that are still suspended in it.
  asio::io_context io_{1};
  const SiteServerOptions& options_;
  const Identity identity_;
  const std::string view_token_ = random_token();
  web::Routes routes_;
  tcp::acceptor acceptor_{io_};
  asio::signal_set signals_{io_, SIGINT, SIGTERM};
  asio::thread_pool background_{1};  ///< Joined before anything that its handlers use is gone.
};

}  // namespace

void serve_site(const SiteServerOptions& options) { SiteServer(options).run(); }

}  // namespace reprise
