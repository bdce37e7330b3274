#pragma once
/// Between Beast's messages and those of the table of routes. Knows no sockets.

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>

#include "orchestrator/routes.h"

namespace reprise {

inline constexpr unsigned kHeaderBytesMax = 8U << 10U;
inline constexpr std::size_t kBodyBytesMax = 1U << 20U;

using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;
using HttpResponse = boost::beast::http::response<boost::beast::http::string_body>;
using RequestParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

/// What a stranger may send.
void limit(RequestParser& parser);

/// True if a header that decides is there twice: a proxy before us may have believed the other one.
bool is_ambiguous(const HttpRequest& raw);

/// `peer`: address of the other side; `secure`: the request came under TLS.
web::Request request_of(const HttpRequest& raw, const std::string& peer, bool secure);

HttpResponse response_of(const web::Reply& reply, unsigned version, bool keep_alive);

}  // namespace reprise
