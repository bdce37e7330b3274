#include "orchestrator/session.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <deque>
#include <utility>

#include "orchestrator/workspace.h"
#include "sweep/error.h"

namespace reprise {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

constexpr std::chrono::seconds kHandshakeTimeout{10};
constexpr unsigned kHeaderBytesMax = 8U << 10U;
constexpr std::size_t kQueueMax = 1000;  ///< A peer that reads so little is gone.
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

class GangSession final : public Session {
 public:
  GangSession(beast::tcp_stream stream, SessionHost& host) : ws_(std::move(stream)), host_(host) {}

  void send(const wire::ToGang& message) override {
    if (closed_) return;
    if (queue_.size() >= kQueueMax) {
      close();
      return;
    }
    queue_.push_back(wire::encode(message));
    if (open_ && queue_.size() == 1) write();
  }

  void close() override {
    closed_ = true;
    beast::get_lowest_layer(ws_).close();
  }

  static asio::awaitable<void> run(std::shared_ptr<GangSession> self, Request request) {
    beast::get_lowest_layer(self->ws_).expires_never();
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = kHandshakeTimeout;
    timeout.idle_timeout = websocket::stream_base::none();  // Leases do this.
    timeout.keep_alive_pings = false;
    self->ws_.set_option(timeout);
    self->ws_.read_message_max(wire::kFrameBytesMax);
    auto [accepted] = co_await self->ws_.async_accept(request, kTuple);
    if (accepted) co_return;
    self->ws_.text(true);
    self->open_ = true;
    if (!self->queue_.empty()) self->write();
    beast::flat_buffer buffer;
    while (!self->closed_) {
      auto [error, bytes] = co_await self->ws_.async_read(buffer, kTuple);
      if (error) break;
      const auto data = buffer.cdata();
      const std::string_view text(static_cast<const char*>(data.data()), data.size());
      if (!self->receive(text)) break;
      buffer.consume(bytes);
    }
    self->close();
    self->host_.on_closed(self);
  }

 private:
  bool receive(std::string_view text) {
    try {
      host_.on_message(shared_from_this(), wire::decode_from_gang(text));
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::Corrupt) throw;
      host_.on_note("gang " + gang + " sent what is no message: " + error.what());
      return false;
    }
  }

  void write() {
    auto self = std::static_pointer_cast<GangSession>(shared_from_this());
    ws_.async_write(asio::buffer(queue_.front()),
                    [self](beast::error_code error, std::size_t) { self->written(error); });
  }

  void written(beast::error_code error) {
    queue_.pop_front();
    if (error) {
      close();
    } else if (!queue_.empty()) {
      write();
    }
  }

  websocket::stream<beast::tcp_stream> ws_;
  SessionHost& host_;
  std::deque<std::string> queue_;
  bool open_ = false;
  bool closed_ = false;
};

bool authorised(const Request& request, const std::string& token) {
  const beast::string_view header = request[http::field::authorization];
  return equal_in_constant_time({header.data(), header.size()}, "Bearer " + token);
}

Response answer(const Request& request, const SessionHost& host) {
  Response response;
  response.version(request.version());
  response.keep_alive(false);
  response.set(http::field::content_type, "application/json");
  if (!authorised(request, host.token())) {
    response.result(http::status::unauthorized);
    response.set(http::field::www_authenticate, "Bearer");
  } else if (request.target() != "/status" && request.target() != "/gang") {
    response.result(http::status::not_found);
  } else if (request.method() != http::verb::get || request.target() == "/gang") {
    response.result(http::status::bad_request);
  } else {
    response.result(http::status::ok);
    response.body() = host.status_json();
  }
  response.prepare_payload();
  return response;
}

asio::awaitable<void> serve_connection(asio::ip::tcp::socket socket, SessionHost* host) {
  beast::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  beast::tcp_stream stream(std::move(socket));
  stream.expires_after(kHandshakeTimeout);
  beast::flat_buffer buffer(kHeaderBytesMax * 2);
  http::request_parser<http::string_body> parser;
  parser.header_limit(kHeaderBytesMax);
  parser.body_limit(0);
  auto [error, bytes] = co_await http::async_read(stream, buffer, parser, kTuple);
  if (error) co_return;
  Request request = parser.release();
  if (authorised(request, host->token()) && request.target() == "/gang" &&
      websocket::is_upgrade(request)) {
    auto session = std::make_shared<GangSession>(std::move(stream), *host);
    co_await GangSession::run(session, std::move(request));
    co_return;
  }
  Response response = answer(request, *host);
  stream.expires_after(kHandshakeTimeout);
  auto [unsent, count] = co_await http::async_write(stream, response, kTuple);
  if (!unsent) stream.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

}  // namespace

void serve(asio::ip::tcp::socket socket, SessionHost& host) {
  auto executor = socket.get_executor();
  // An exception of a handler is a failure of the whole run: it leaves io_context::run().
  asio::co_spawn(executor, serve_connection(std::move(socket), &host),
                 [](const std::exception_ptr& failure) {
                   if (failure) std::rethrow_exception(failure);
                 });
}

}  // namespace reprise
