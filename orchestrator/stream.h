#pragma once
/// A connection to or from the coordinator: plain TCP, or TLS over it. One type, so that what is
/// spoken over it does not care.
///
/// TLS is 1.3 only. There is no authority that could vouch for a certificate: the client knows the
/// SHA-256 of the only one it accepts, from coordinator.json, which holds the secret as well.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace reprise {

/// Satisfies Beast's AsyncStream; may be moved while nothing is under way. Not thread-safe.
class Stream {
 public:
  using Tcp = boost::beast::tcp_stream;
  using Tls = boost::beast::ssl_stream<Tcp>;
  using executor_type = Tcp::executor_type;

  explicit Stream(Tcp tcp) : layer_(std::move(tcp)) {}
  Stream(Tcp tcp, boost::asio::ssl::context& context)
      : layer_(std::in_place_type<Tls>, std::move(tcp), context) {}

  executor_type get_executor() { return next_layer().get_executor(); }
  /// Sockets and deadlines. Beast's get_lowest_layer() finds it by this name.
  Tcp& next_layer() {
    auto* tls = std::get_if<Tls>(&layer_);
    return tls != nullptr ? tls->next_layer() : std::get<Tcp>(layer_);
  }

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    auto* tls = std::get_if<Tls>(&layer_);
    if (tls == nullptr) {
      return std::get<Tcp>(layer_).async_read_some(buffers, std::forward<Token>(token));
    }
    return tls->async_read_some(buffers, std::forward<Token>(token));
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    auto* tls = std::get_if<Tls>(&layer_);
    if (tls == nullptr) {
      return std::get<Tcp>(layer_).async_write_some(buffers, std::forward<Token>(token));
    }
    return tls->async_write_some(buffers, std::forward<Token>(token));
  }

  /// The server's half of the handshake; at once where there is no TLS. False: the other side
  /// speaks none, or none of ours; a browser that speaks plain HTTP is told so.
  boost::asio::awaitable<bool> welcome();
  /// Tells the other side that nothing follows.
  boost::asio::awaitable<void> finish();

 private:
  friend boost::asio::awaitable<Stream> connect(boost::asio::any_io_executor executor,
                                                std::string host, std::string port,
                                                std::string fingerprint,
                                                std::chrono::milliseconds patience);

  std::variant<Tcp, Tls> layer_;
};

/// Connects, under TLS unless `fingerprint` is empty. `patience` is for all of it; afterwards the
/// stream has no deadline. Errors: Unavailable if the other side shows another certificate, before
/// anything was sent to it; boost::system::system_error for everything else.
boost::asio::awaitable<Stream> connect(boost::asio::any_io_executor executor, std::string host,
                                       std::string port, std::string fingerprint,
                                       std::chrono::milliseconds patience);

/// Beast ends a WebSocket by this. Its closing frames went through TLS: TCP may end below it.
template <typename Handler>
void async_teardown(boost::beast::role_type role, Stream& stream, Handler&& handler) {
  using boost::beast::websocket::async_teardown;
  async_teardown(role, stream.next_layer().socket(), std::forward<Handler>(handler));
}

/// A context that allows TLS 1.3 and nothing older.
boost::asio::ssl::context tls_context(boost::asio::ssl::context::method method);

/// SHA-256 of a certificate, as hexadecimal digits.
std::string fingerprint_of(const X509* certificate);

}  // namespace reprise
