#include "orchestrator/http_message.h"

namespace reprise {
namespace {

namespace http = boost::beast::http;

std::string text_of(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

void limit(RequestParser& parser) {
  parser.header_limit(kHeaderBytesMax);
  parser.body_limit(kBodyBytesMax);
}

bool is_ambiguous(const HttpRequest& raw) {
  return raw.count(http::field::host) > 1 || raw.count(http::field::authorization) > 1 ||
         raw.count(http::field::origin) > 1;
}

web::Request request_of(const HttpRequest& raw, const std::string& peer, bool secure) {
  web::Request request;
  request.method = text_of(raw.method_string());
  request.target = text_of(raw.target());
  request.host = text_of(raw[http::field::host]);
  request.origin = text_of(raw[http::field::origin]);
  request.authorization = text_of(raw[http::field::authorization]);
  request.cookie = text_of(raw[http::field::cookie]);
  request.peer = peer;
  request.secure = secure;
  return request;
}

HttpResponse response_of(const web::Reply& reply, unsigned version, bool keep_alive) {
  HttpResponse response;
  response.version(version);
  response.result(reply.status);
  response.keep_alive(keep_alive);
  response.set(http::field::content_type, reply.type);
  for (const auto& [name, value] : web::default_headers()) response.set(name, value);
  for (const auto& [name, value] : reply.headers) response.set(name, value);
  response.body() = reply.body;
  response.prepare_payload();
  return response;
}

}  // namespace reprise
