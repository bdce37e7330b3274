#include "worker/link.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <variant>

#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/json.h"

namespace reprise::worker {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::use_awaitable;
using Clock = std::chrono::steady_clock;
using WebSocket = websocket::stream<beast::tcp_stream>;
using std::chrono::milliseconds;

constexpr milliseconds kReconnectPause{250};
constexpr milliseconds kPoll{100};
constexpr milliseconds kResultRepeat{2000};
constexpr milliseconds kConnectTimeout{3000};

// Signal handlers may only touch a lock-free atomic.
std::atomic<bool> signalled{false};
static_assert(std::atomic<bool>::is_always_lock_free);
extern "C" void on_signal(int /*signal*/) { signalled.store(true); }

Clock::duration seconds(double count) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count));
}

struct Address {
  std::string host;
  std::string port;
  std::string token;
};

Address read_address(const std::filesystem::path& path) {
  const auto value = sweep::parse_json(read_file(path), path.string());
  try {
    const auto& object = value.as_object();
    return {.host = std::string(object.at("host").as_string()),
            .port = std::to_string(object.at("port").to_number<std::uint16_t>()),
            .token = std::string(object.at("token").as_string())};
  } catch (const std::exception& error) {
    throw_corrupt(path.string() + ": not a coordinator's address: " + error.what());
  }
}

}  // namespace

class Link::Impl {
 public:
  explicit Impl(LinkOptions options) : options_(std::move(options)), timer_(context_) {
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

  std::optional<wire::Assign> next_assignment() {
    std::unique_lock lock(mutex_);
    while (!shutdown_ && !signalled && !is_lost(options_.leave_after_seconds)) {
      if (assignment_) {
        auto taken = std::move(*assignment_);
        assignment_.reset();
        return taken;
      }
      changed_.wait_for(lock, kPoll);
    }
    return std::nullopt;
  }

  void report_progress(const wire::Heartbeat& progress) {
    const std::scoped_lock lock(mutex_);
    const auto keep = heartbeat_;
    heartbeat_ = progress;
    heartbeat_.stage = keep.stage;
    heartbeat_.fence = keep.fence;
  }

  bool stop_requested() const {
    const std::scoped_lock lock(mutex_);
    return shutdown_ || revoked_ || signalled || is_lost(options_.lost_after_seconds);
  }

  bool send_result(const wire::Result& result) {
    return deliver(wire::encode(wire::FromGang(result)), result.stage, result.fence,
                   /*until_acknowledged=*/true, options_.leave_after_seconds);
  }

  void send_failure(const wire::Failure& failure) {
    deliver(wire::encode(wire::FromGang(failure)), failure.stage, failure.fence,
            /*until_acknowledged=*/false, options_.lost_after_seconds);
  }

 private:
  /// A message that must get through, and how far it is.
  struct Outgoing {
    std::string text;
    std::string stage;
    std::int64_t fence = 0;
    bool until_acknowledged = false;
    bool sent = false;
    bool acknowledged = false;
    Clock::time_point next_try;
  };

  bool deliver(std::string text, const std::string& stage, std::int64_t fence,
               bool until_acknowledged, double patience) {
    std::unique_lock lock(mutex_);
    outgoing_ = Outgoing{.text = std::move(text),
                         .stage = stage,
                         .fence = fence,
                         .until_acknowledged = until_acknowledged,
                         .sent = false,
                         .acknowledged = false,
                         .next_try = Clock::now()};
    const auto is_done = [this] {
      return outgoing_->until_acknowledged ? outgoing_->acknowledged : outgoing_->sent;
    };
    while (!is_done() && !(until_acknowledged && revoked_) && !is_lost(patience)) {
      changed_.wait_for(lock, kPoll);
    }
    const bool delivered = is_done();
    outgoing_.reset();
    // The next stage may already have been assigned.
    if (is_present(stage, fence)) heartbeat_ = {};
    return delivered;
  }

  /// With `mutex_` held: no line for `limit` seconds.
  bool is_lost(double limit) const {
    return !connected_ && Clock::now() - line_changed_ > seconds(limit);
  }

  void set_connected(bool connected) {
    const std::scoped_lock lock(mutex_);
    if (connected_ != connected) line_changed_ = Clock::now();
    connected_ = connected;
    if (outgoing_ && connected) outgoing_->next_try = Clock::now();
  }

  asio::awaitable<void> run() {
    while (true) {
      try {
        co_await session();
      } catch (const std::exception&) {
        // Every cause has the same cure: try again, until the waiting side loses patience.
      }
      set_connected(false);
      timer_.expires_after(kReconnectPause);
      co_await timer_.async_wait(use_awaitable);
    }
  }

  /// One connection, from address to loss; ends by an exception.
  asio::awaitable<void> session() {
    using namespace asio::experimental::awaitable_operators;
    const auto address = read_address(options_.workspace / "coordinator.json");
    asio::ip::tcp::resolver resolver(context_);
    const auto found = co_await resolver.async_resolve(address.host, address.port, use_awaitable);
    socket_.emplace(context_);
    beast::get_lowest_layer(*socket_).expires_after(kConnectTimeout);
    co_await beast::get_lowest_layer(*socket_).async_connect(found, use_awaitable);
    beast::get_lowest_layer(*socket_).expires_never();
    socket_->set_option(websocket::stream_base::timeout{.handshake_timeout = kConnectTimeout,
                                                        .idle_timeout = std::chrono::seconds(10),
                                                        .keep_alive_pings = true});
    const std::string bearer = "Bearer " + address.token;
    socket_->set_option(
        websocket::stream_base::decorator([bearer](websocket::request_type& request) {
          request.set(beast::http::field::authorization, bearer);
        }));
    socket_->read_message_max(wire::kFrameBytesMax);
    const std::string host = address.host + ":" + address.port;
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
      take(wire::decode_to_gang(beast::buffers_to_string(buffer.data())));
      buffer.consume(buffer.size());
    }
  }

  asio::awaitable<void> write_loop() {
    auto next_heartbeat = Clock::now();
    while (true) {
      if (auto text = due_message()) {
        co_await send(std::move(*text));
        mark_sent();
      }
      if (Clock::now() >= next_heartbeat) {
        next_heartbeat = Clock::now() + milliseconds(heartbeat_ms_.load());
        std::string heartbeat = heartbeat_text();
        co_await send(std::move(heartbeat));
      }
      timer_.expires_after(kPoll);
      co_await timer_.async_wait(use_awaitable);
    }
  }

  std::optional<std::string> due_message() {
    const std::scoped_lock lock(mutex_);
    if (!outgoing_ || Clock::now() < outgoing_->next_try) return std::nullopt;
    if (outgoing_->sent && !outgoing_->until_acknowledged) return std::nullopt;
    outgoing_->next_try = Clock::now() + kResultRepeat;
    return outgoing_->text;
  }

  void mark_sent() {
    const std::scoped_lock lock(mutex_);
    if (outgoing_) outgoing_->sent = true;
    changed_.notify_all();
  }

  std::string heartbeat_text() {
    const std::scoped_lock lock(mutex_);
    return wire::encode(wire::FromGang(heartbeat_));
  }

  /// With `mutex_` held: whether stage and fence are the present ones.
  bool is_present(const std::string& stage, std::int64_t fence) const {
    return heartbeat_.stage == stage && heartbeat_.fence == fence;
  }

  void take(const wire::ToGang& message) {
    set_connected(true);
    const std::scoped_lock lock(mutex_);
    if (const auto* welcome = std::get_if<wire::Welcome>(&message)) {
      heartbeat_ms_ = std::clamp<std::int64_t>(welcome->heartbeat_ms, 10, 60'000);
    } else if (const auto* assign = std::get_if<wire::Assign>(&message)) {
      assignment_ = *assign;
      revoked_ = false;
      heartbeat_ = {};
      heartbeat_.stage = assign->stage;
      heartbeat_.fence = assign->fence;
    } else if (const auto* ack = std::get_if<wire::Ack>(&message)) {
      if (outgoing_ && outgoing_->stage == ack->stage && outgoing_->fence == ack->fence) {
        outgoing_->acknowledged = true;
      }
    } else if (const auto* revoke = std::get_if<wire::Revoke>(&message)) {
      if (is_present(revoke->stage, revoke->fence)) {
        revoked_ = true;
        if (assignment_) {  // Taken back before the gang saw it.
          assignment_.reset();
          heartbeat_ = {};
        }
      }
    } else if (std::holds_alternative<wire::Shutdown>(message)) {
      shutdown_ = true;
    }
    changed_.notify_all();
  }

  LinkOptions options_;
  asio::io_context context_{1};
  asio::steady_timer timer_;
  std::optional<WebSocket> socket_;
  std::atomic<std::int64_t> heartbeat_ms_{1000};

  mutable std::mutex mutex_;  ///< Guards everything below.
  std::condition_variable changed_;
  std::optional<wire::Assign> assignment_;
  std::optional<Outgoing> outgoing_;
  wire::Heartbeat heartbeat_;  ///< Names the present stage and fence.
  bool shutdown_ = false;
  bool revoked_ = false;
  bool connected_ = false;
  Clock::time_point line_changed_ = Clock::now();
  std::jthread thread_;
};

Link::Link(LinkOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Link::~Link() = default;
std::optional<wire::Assign> Link::next_assignment() { return impl_->next_assignment(); }
void Link::report_progress(const wire::Heartbeat& progress) { impl_->report_progress(progress); }
bool Link::stop_requested() const { return impl_->stop_requested(); }
bool Link::send_result(const wire::Result& result) { return impl_->send_result(result); }
void Link::send_failure(const wire::Failure& failure) { impl_->send_failure(failure); }

}  // namespace reprise::worker
