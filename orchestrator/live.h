#pragma once
/// /api/live: a WebSocket that tells a page what runs now and that something changed.
///
/// One text frame, JSON, as `status.h` says: at once, then whenever the text changed, looked at
/// twice a second, and every five seconds as a sign of life. What the page sends is not read.

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <string>

#include "orchestrator/stream.h"

namespace reprise {

/// Serves one page until it goes away. `text` is asked in the stream's own thread.
boost::asio::awaitable<void> run_live(
    Stream stream, boost::beast::http::request<boost::beast::http::string_body> request,
    std::function<std::string()> text);

}  // namespace reprise
