#pragma once
/// One connection to the coordinator, under TLS or not: HTTP by the table of routes, or a gang's
/// WebSocket after an upgrade.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "orchestrator/routes.h"
#include "orchestrator/wire.h"

namespace reprise {

class Session;

/// Bounds the connections that have not shown a secret: beyond the limit the oldest one is closed,
/// so that idle strangers cannot keep others out.
class ConnectionGate {
 public:
  static constexpr std::size_t kStrangersMax = 256;
  using Place = std::list<std::function<void()>>::iterator;

  Place enter(std::function<void()> close);
  void leave(Place place) { strangers_.erase(place); }
  [[nodiscard]] std::size_t strangers() const { return strangers_.size(); }

 private:
  std::list<std::function<void()>> strangers_;
};

/// What a connection needs from the coordinator. It outlives all sessions' handlers.
class SessionHost {
 public:
  SessionHost() = default;
  virtual ~SessionHost() = default;
  SessionHost(const SessionHost&) = delete;
  SessionHost& operator=(const SessionHost&) = delete;
  SessionHost(SessionHost&&) = delete;
  SessionHost& operator=(SessionHost&&) = delete;

  [[nodiscard]] virtual const web::Routes& routes() const = 0;
  virtual ConnectionGate& gate() = 0;
  /// Null: the port speaks plain text.
  virtual boost::asio::ssl::context* tls() = 0;
  /// The newest text for /api/live.
  virtual std::string live_json() = 0;
  /// Where handlers run that may take long.
  virtual boost::asio::thread_pool& background() = 0;
  virtual void on_message(const std::shared_ptr<Session>& session, wire::FromGang message) = 0;
  virtual void on_closed(const std::shared_ptr<Session>& session) = 0;
  virtual void on_note(const std::string& line) = 0;
};

/// The sending side of a gang's WebSocket. Frames leave in the order of `send`.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session() = default;
  virtual ~Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  Session(Session&&) = delete;
  Session& operator=(Session&&) = delete;

  virtual void send(const wire::ToGang& message) = 0;
  virtual void close() = 0;

  std::string gang;          ///< Set by the host once Hello was accepted.
  bool turned_away = false;  ///< Told to leave: what it says until then counts for nothing.
};

/// Serves one accepted connection to its end. Never throws.
void serve(boost::asio::ip::tcp::socket socket, SessionHost& host);

}  // namespace reprise
