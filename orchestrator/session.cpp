#include "orchestrator/session.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <deque>
#include <utility>

#include "orchestrator/http_message.h"
#include "orchestrator/live.h"
#include "orchestrator/stream.h"
#include "sweep/error.h"

namespace reprise {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using Request = http::request<http::string_body>;

constexpr std::chrono::seconds kHandshakeTimeout{10};
constexpr std::chrono::seconds kIdleTimeout{30};
constexpr std::size_t kFrameBytesWanted = 1U << 20U;
constexpr std::size_t kQueueMax = 4096;  ///< A peer that reads so little is gone.

class GangSession final : public Session {
 public:
  GangSession(Stream stream, SessionHost& host) : ws_(std::move(stream)), host_(host) {}

  void send(const wire::ToGang& message) override {
    if (closed_) return;
    if (queue_.size() >= kQueueMax) {
      close();
      return;
    }
    queue_.push_back(wire::encode(message));
    if (open_ && frame_.empty()) write();
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
    auto [accepted] = co_await self->ws_.async_accept(request, kAsTuple);
    if (accepted) co_return;
    self->ws_.text(true);
    self->open_ = true;
    if (!self->queue_.empty()) self->write();
    beast::flat_buffer buffer;
    while (!self->closed_) {
      auto [error, bytes] = co_await self->ws_.async_read(buffer, kAsTuple);
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
      for (wire::FromGang& message : wire::decode_frame_from_gang(text)) {
        host_.on_message(shared_from_this(), std::move(message));
      }
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::Corrupt) throw;
      host_.on_note("gang " + gang + " sent what is no message: " + error.what());
      return false;
    }
  }

  /// What has gathered since the last frame leaves as one.
  void write() {
    std::vector<std::string> messages;
    for (std::size_t bytes = 0;
         !queue_.empty() && bytes < kFrameBytesWanted && messages.size() < wire::kMessagesMax;) {
      bytes += queue_.front().size();
      messages.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    frame_ = wire::join(messages);
    auto self = std::static_pointer_cast<GangSession>(shared_from_this());
    ws_.async_write(asio::buffer(frame_),
                    [self](beast::error_code error, std::size_t) { self->written(error); });
  }

  void written(beast::error_code error) {
    frame_.clear();
    if (error) {
      close();
    } else if (!queue_.empty()) {
      write();
    }
  }

  websocket::stream<Stream> ws_;
  SessionHost& host_;
  std::deque<std::string> queue_;
  std::string frame_;  ///< On its way.
  bool open_ = false;
  bool closed_ = false;
};

/// A place at the gate, given up at the latest when the connection ends.
class Stranger {
 public:
  Stranger(ConnectionGate& gate, Stream& stream)
      : gate_(gate), place_(gate.enter([&stream] { stream.next_layer().close(); })) {}
  ~Stranger() { leave(); }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  Stranger(Stranger&&) = delete;
  Stranger& operator=(Stranger&&) = delete;

  void leave() {
    if (inside_) gate_.leave(place_);
    inside_ = false;
  }

 private:
  ConnectionGate& gate_;
  ConnectionGate::Place place_;
  bool inside_ = true;
};

/// Writes an answer; false where the connection is to end.
asio::awaitable<bool> answer(Stream* stream, web::Reply reply, unsigned version, bool keep_alive) {
  HttpResponse response = response_of(reply, version, keep_alive);
  stream->next_layer().expires_after(kHandshakeTimeout);
  auto [error, bytes] = co_await http::async_write(*stream, response, kAsTuple);
  if (!error && keep_alive) co_return true;
  if (!error) co_await stream->finish();
  co_return false;
}

/// Pointers into the frame of the connection, which waits: GCC 12 copies coroutine arguments badly.
asio::awaitable<void> run_handler(const web::Admitted* admitted, std::string* body,
                                  web::Reply* reply) {
  *reply = web::Routes::run(*admitted, std::move(*body));
  co_return;
}

asio::awaitable<void> serve_connection(asio::ip::tcp::socket socket, SessionHost* host) {
  beast::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  const auto remote = socket.remote_endpoint(ignored);
  const std::string peer = ignored ? "?" : remote.address().to_string();
  asio::ssl::context* const tls = host->tls();
  Stream stream = tls == nullptr ? Stream(beast::tcp_stream(std::move(socket)))
                                 : Stream(beast::tcp_stream(std::move(socket)), *tls);
  Stranger stranger(host->gate(), stream);
  stream.next_layer().expires_after(kHandshakeTimeout);
  const bool welcome = co_await stream.welcome();
  if (!welcome) co_return;
  beast::flat_buffer buffer(kHeaderBytesMax * 2);
  for (auto patience = kHandshakeTimeout;; patience = kIdleTimeout) {
    RequestParser parser;
    limit(parser);
    stream.next_layer().expires_after(patience);
    auto [unread, header_bytes] =
        co_await http::async_read_header(stream, buffer, parser, kAsTuple);
    if (unread) co_return;
    const unsigned version = parser.get().version();
    if (is_ambiguous(parser.get())) {
      co_await answer(&stream, web::refuse(400, "a header is there twice"), version, false);
      co_return;
    }
    auto verdict = host->routes().admit(request_of(parser.get(), peer, tls != nullptr));
    if (auto* refusal = std::get_if<web::Reply>(&verdict)) {
      co_await answer(&stream, std::move(*refusal), version, false);
      co_return;
    }
    const auto& admitted = std::get<web::Admitted>(verdict);
    // Whoever holds a secret is no stranger; a page for everybody does not make one a friend.
    if (admitted.call.authority != web::Authority::None) stranger.leave();
    if (admitted.route->upgrade != web::Upgrade::None && websocket::is_upgrade(parser.get())) {
      stranger.leave();
      if (admitted.route->upgrade == web::Upgrade::Live) {
        co_await run_live(std::move(stream), parser.release(),
                          [host] { return host->live_json(); });
        co_return;
      }
      auto session = std::make_shared<GangSession>(std::move(stream), *host);
      co_await GangSession::run(session, parser.release());
      co_return;
    }
    stream.next_layer().expires_after(kHandshakeTimeout);
    auto [incomplete, body_bytes] = co_await http::async_read(stream, buffer, parser, kAsTuple);
    if (incomplete == http::error::body_limit) {
      co_await answer(&stream, web::refuse(413, "the body is too long"), version, false);
    }
    if (incomplete) co_return;
    const bool keep_alive = parser.get().keep_alive();
    web::Reply reply;
    if (admitted.route->background) {
      co_await asio::co_spawn(host->background(),
                              run_handler(&admitted, &parser.get().body(), &reply),
                              asio::use_awaitable);
    } else {
      reply = web::Routes::run(admitted, std::move(parser.get().body()));
    }
    const bool goes_on = co_await answer(&stream, std::move(reply), version, keep_alive);
    if (!goes_on) co_return;
  }
}

}  // namespace

ConnectionGate::Place ConnectionGate::enter(std::function<void()> close) {
  if (strangers_.size() >= kStrangersMax) {
    // Closing makes its handler run later, which leaves the list: not from here.
    auto& oldest = strangers_.front();
    oldest();
    strangers_.splice(strangers_.end(), strangers_, strangers_.begin());
  }
  return strangers_.insert(strangers_.end(), std::move(close));
}

void serve(asio::ip::tcp::socket socket, SessionHost& host) {
  auto executor = socket.get_executor();
  // An exception of a handler is a failure of the whole run: it leaves io_context::run().
  asio::co_spawn(executor, serve_connection(std::move(socket), &host),
                 [](const std::exception_ptr& failure) {
                   if (failure) std::rethrow_exception(failure);
                 });
}

}  // namespace reprise
