#pragma once
/// A connection to or from the coordinator: plain TCP, or TLS over it. One type, so that what is
/// spoken over it does not care.
///
/// TLS is 1.3 only. There is no authority that could vouch for a certificate: the client knows the
/// SHA-256 of the only one it accepts, from coordinator.json, which holds the secret as well.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/container/static_vector.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "orchestrator/completion.h"

namespace reprise {

/// Awaited with this, an operation gives its error first, and does not throw it.
inline constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

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
    return boost::asio::async_initiate<Token, Transferred>(
        [](auto handler, Stream* self, const Buffers& into) {
          self->read_some(first_of<boost::asio::mutable_buffer>(into),
                          {std::move(handler), self->get_executor()});
        },
        token, this, buffers);
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, Transferred>(
        [](auto handler, Stream* self, const Buffers& from) {
          self->write_some(first_of<boost::asio::const_buffer>(from),
                           {std::move(handler), self->get_executor()});
        },
        token, this, buffers);
  }
  /// Ends TCP below a WebSocket whose closing frames went through.
  void teardown(boost::beast::role_type role, Completion<boost::beast::error_code> done);

  /// The server's half of the handshake; at once where there is no TLS. False: the other side
  /// speaks none, or none of ours; a browser that speaks plain HTTP is told so.
  boost::asio::awaitable<bool> welcome();
  /// Tells the other side that nothing follows.
  boost::asio::awaitable<void> finish();

 private:
  using Transferred = void(boost::beast::error_code, std::size_t);
  using Done = Completion<boost::beast::error_code, std::size_t>;
  /// "Some" may be less than all: the rest of a long sequence is for the next call.
  template <typename Buffer>
  using Few = boost::container::static_vector<Buffer, 16>;

  template <typename Buffer, typename Buffers>
  static Few<Buffer> first_of(const Buffers& buffers) {
    Few<Buffer> few;
    for (auto it = boost::asio::buffer_sequence_begin(buffers);
         it != boost::asio::buffer_sequence_end(buffers) && few.size() < few.capacity(); ++it) {
      const Buffer buffer(*it);
      if (buffer.size() > 0) few.push_back(buffer);
    }
    return few;
  }
  void read_some(const Few<boost::asio::mutable_buffer>& buffers, Done done);
  void write_some(const Few<boost::asio::const_buffer>& buffers, Done done);

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
  stream.teardown(role, {std::forward<Handler>(handler), stream.get_executor()});
}

/// A context that allows TLS 1.3 and nothing older.
boost::asio::ssl::context tls_context(boost::asio::ssl::context::method method);

/// SHA-256 of a certificate, as hexadecimal digits.
std::string fingerprint_of(const X509* certificate);

}  // namespace reprise
