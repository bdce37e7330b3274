#include "worker/link.h"

#include <unistd.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <csignal>
#include <iostream>
#include <thread>

#include "orchestrator/coordinator_file.h"
#include "orchestrator/log_marker.h"
#include "orchestrator/stream.h"
#include "sweep/error.h"
#include "worker/link_state.h"

namespace reprise::worker {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::use_awaitable;
using Clock = std::chrono::steady_clock;
using WebSocket = websocket::stream<Stream>;
using std::chrono::milliseconds;

constexpr milliseconds kReconnectPause{250};
constexpr milliseconds kPoll{100};
constexpr milliseconds kConnectTimeout{3000};

// Signal handlers may only touch a lock-free atomic.
std::atomic<bool> signal_came{false};
static_assert(std::atomic<bool>::is_always_lock_free);
extern "C" void on_signal(int /*signal*/) { signal_came.store(true); }

}  // namespace

class Link::Impl {
 public:
  explicit Impl(LinkOptions options)
      : options_(std::move(options)),
        timer_(context_),
        state_(options_.lost_after_seconds, options_.leave_after_seconds, signal_came,
               [this] { asio::post(context_, [this] { timer_.cancel(); }); }) {
    std::signal(SIGUSR1, on_signal);
    std::signal(SIGTERM, on_signal);
    asio::co_spawn(context_, run(), asio::detached);
    thread_ = std::jthread([this] { context_.run(); });
  }

  ~Impl() {
    context_.stop();
    thread_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  Impl(Impl&&) = delete;
  Impl& operator=(Impl&&) = delete;

  LinkState& state() { return state_; }

 private:
  asio::awaitable<void> run() {
    while (true) {
      try {
        co_await session();
      } catch (const std::exception&) {
        // Every cause has the same cure: try again, until the waiting side loses patience.
      }
      state_.set_connected(false);
      timer_.expires_after(kReconnectPause);
      co_await timer_.async_wait(asio::as_tuple(use_awaitable));
    }
  }

  /// One connection, from address to loss; ends by an exception.
  asio::awaitable<void> session() {
    using namespace asio::experimental::awaitable_operators;
    const CoordinatorAddress address = read_coordinator_file(options_.workspace);
    const std::string port = std::to_string(address.port);
    Stream stream = co_await connect(context_.get_executor(), address.host, port,
                                     address.fingerprint, kConnectTimeout);
    socket_.emplace(std::move(stream));
    socket_->set_option(websocket::stream_base::timeout{.handshake_timeout = kConnectTimeout,
                                                        .idle_timeout = std::chrono::seconds(10),
                                                        .keep_alive_pings = true});
    const std::string bearer = "Bearer " + address.token;
    socket_->set_option(
        websocket::stream_base::decorator([bearer](websocket::request_type& request) {
          request.set(beast::http::field::authorization, bearer);
        }));
    socket_->read_message_max(wire::kFrameBytesMax);
    const std::string host = authority(address);
    co_await socket_->async_handshake(host, "/gang", use_awaitable);
    socket_->text(true);
    std::string hello = hello_text();
    co_await send(std::move(hello));
    co_await (read_loop() || write_loop());
  }

  // A function of its own: GCC 12 destroys an aggregate inside a co_await expression twice.
  [[nodiscard]] std::string hello_text() const {
    return wire::encode(wire::FromGang(wire::Hello{.protocol = wire::kProtocolVersion,
                                                   .gang = options_.gang,
                                                   .host = asio::ip::host_name(),
                                                   .pid = ::getpid(),
                                                   .ranks = options_.ranks,
                                                   .device = options_.device}));
  }

  // By value: the text must live as long as the coroutine.
  asio::awaitable<void> send(std::string text) {
    co_await socket_->async_write(asio::buffer(text), use_awaitable);
  }

  asio::awaitable<void> read_loop() {
    beast::flat_buffer buffer;
    while (true) {
      co_await socket_->async_read(buffer, use_awaitable);
      for (const wire::ToGang& message :
           wire::decode_frame_to_gang(beast::buffers_to_string(buffer.data()))) {
        state_.take(message);
      }
      buffer.consume(buffer.size());
    }
  }

  asio::awaitable<void> write_loop() {
    auto next_heartbeat = Clock::now();
    while (true) {
      if (const auto texts = state_.due_messages(); !texts.empty()) {
        std::string frame = wire::join(texts);
        co_await send(std::move(frame));
      }
      if (Clock::now() >= next_heartbeat) {
        next_heartbeat = Clock::now() + state_.heartbeat_interval();
        std::string heartbeat = state_.heartbeat_text();
        co_await send(std::move(heartbeat));
      }
      timer_.expires_after(kPoll);
      co_await timer_.async_wait(asio::as_tuple(use_awaitable));  // Cancelled: a message is due.
    }
  }

  LinkOptions options_;
  asio::io_context context_{1};
  asio::steady_timer timer_;
  std::optional<WebSocket> socket_;
  LinkState state_;
  std::jthread thread_;
};

Link::Link(LinkOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Link::~Link() = default;
std::optional<wire::Assign> Link::next_assignment() {
  std::optional<wire::Assign> assign = impl_->state().next_assignment();
  // In one piece: other ranks write to the same log.
  if (assign) std::cerr << log_marker(assign->stage, assign->fence, assign->label) + '\n';
  return assign;
}
void Link::report_progress(const wire::Heartbeat& progress) {
  impl_->state().report_progress(progress);
}
bool Link::stop_requested() const { return impl_->state().stop_requested(); }
bool Link::send_result(const wire::Result& result) { return impl_->state().deliver_result(result); }
void Link::post_result(const wire::Result& result, std::function<void()> acknowledged) {
  impl_->state().post_result(result, std::move(acknowledged));
}
void Link::send_failure(const wire::Failure& failure) { impl_->state().deliver_failure(failure); }

}  // namespace reprise::worker
