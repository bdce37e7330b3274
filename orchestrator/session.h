#pragma once
/// One connection to the coordinator: authenticated HTTP, or a gang's WebSocket after an upgrade.

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

#include "orchestrator/wire.h"

namespace reprise {

class Session;

/// What a connection needs from the coordinator. It outlives all sessions' handlers.
class SessionHost {
 public:
  SessionHost() = default;
  virtual ~SessionHost() = default;
  SessionHost(const SessionHost&) = delete;
  SessionHost& operator=(const SessionHost&) = delete;
  SessionHost(SessionHost&&) = delete;
  SessionHost& operator=(SessionHost&&) = delete;

  [[nodiscard]] virtual const std::string& token() const = 0;
  [[nodiscard]] virtual std::string status_json() const = 0;
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

  std::string gang;  ///< Set by the host once Hello was accepted.
};

/// Serves one accepted connection to its end. Never throws; answers 401 without the token.
void serve(boost::asio::ip::tcp::socket socket, SessionHost& host);

}  // namespace reprise
