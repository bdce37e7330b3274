#include "orchestrator/live.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>

namespace reprise {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

constexpr std::chrono::milliseconds kLookEvery{500};
constexpr std::chrono::seconds kSpeakEvery{5};
constexpr std::chrono::seconds kPatience{10};

}  // namespace

asio::awaitable<void> run_live(Stream stream,
                               beast::http::request<beast::http::string_body> request,
                               std::function<std::string()> text) {
  websocket::stream<Stream> ws(std::move(stream));
  websocket::stream_base::timeout timeout{};
  timeout.handshake_timeout = kPatience;
  timeout.idle_timeout = websocket::stream_base::none();
  timeout.keep_alive_pings = false;
  beast::get_lowest_layer(ws).expires_after(kPatience);
  ws.set_option(timeout);
  auto [refused] = co_await ws.async_accept(request, kAsTuple);
  if (refused) co_return;
  ws.text(true);
  asio::steady_timer timer(ws.get_executor());
  std::string said;
  auto spoke = std::chrono::steady_clock::now() - kSpeakEvery;
  while (true) {
    std::string now = text();
    const auto clock = std::chrono::steady_clock::now();
    if (now != said || clock - spoke >= kSpeakEvery) {
      said = std::move(now);
      spoke = clock;
      // A page that takes nothing for so long is gone.
      beast::get_lowest_layer(ws).expires_after(kPatience);
      auto [lost, bytes] = co_await ws.async_write(asio::buffer(said), kAsTuple);
      if (lost) co_return;
      beast::get_lowest_layer(ws).expires_never();
    }
    timer.expires_after(kLookEvery);
    auto [stopped] = co_await timer.async_wait(kAsTuple);
    if (stopped) co_return;
  }
}

}  // namespace reprise
