#include "orchestrator/routes.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <optional>

#include "orchestrator/workspace.h"
#include "sweep/error.h"

namespace reprise::web {
namespace {

/// Where a Host header's port begins, or its end. An IPv6 address stands in brackets.
std::size_t colon_of(std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  return std::min(host.find(':', bracket == std::string_view::npos ? 0 : bracket), host.size());
}

/// Browsers keep one set of cookies for all ports of a host: without the port in its name, logging
/// in to one coordinator would log out of another. The port is the one that the browser sees.
std::string cookie_name(std::string_view host) {
  const std::size_t colon = colon_of(host);
  const std::string_view port = colon < host.size() ? host.substr(colon + 1) : "";
  const bool digits =
      !port.empty() && port.find_first_not_of("0123456789") == std::string_view::npos;
  return digits ? "reprise_token_" + std::string(port) : "reprise_token";
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

/// Percent-decodes once. Nothing for broken escapes and control characters.
std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const auto high = hex_digit(text[i + 1]);
      const auto low = hex_digit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high * 16 + *low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    result += c;
  }
  return result;
}

/// The segments of a path. Nothing for whatever could ever mean another file than it says.
std::optional<std::vector<std::string>> segments_of(std::string_view path) {
  if (path.empty() || path.front() != '/') return std::nullopt;
  std::vector<std::string> result;
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    auto segment = decode(path.substr(at, end - at), false);
    if (!segment || *segment == "." || *segment == ".." ||
        segment->find_first_of("/\\") != std::string::npos) {
      return std::nullopt;
    }
    if (segment->empty() && end != path.size()) return std::nullopt;
    result.push_back(std::move(*segment));
    at = end + 1;
  }
  return result;
}

std::optional<std::map<std::string, std::string>> query_of(std::string_view text) {
  std::map<std::string, std::string> result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('&', at), text.size());
    const std::string_view pair = text.substr(at, end - at);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto key = decode(pair.substr(0, equals), true);
    auto value = decode(equals < pair.size() ? pair.substr(equals + 1) : "", true);
    if (!key || !value) return std::nullopt;
    if (!key->empty()) result[*key] = *value;
    at = end + 1;
  }
  return result;
}

bool matches(const Route& route, const std::vector<std::string>& segments,
             std::map<std::string, std::string>& parameters) {
  const auto pattern = segments_of(route.pattern);
  if (!pattern || pattern->size() != segments.size()) return false;
  parameters.clear();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string& part = (*pattern)[i];
    if (part.starts_with('{') && part.ends_with('}')) {
      if (segments[i].empty()) return false;
      parameters[part.substr(1, part.size() - 2)] = segments[i];
    } else if (part != segments[i]) {
      return false;
    }
  }
  return true;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string_view cookie_token(std::string_view header, std::string_view name) {
  for (std::size_t at = 0; at < header.size();) {
    const std::size_t end = std::min(header.find(';', at), header.size());
    std::string_view pair = header.substr(at, end - at);
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) {
      return pair.substr(name.size() + 1);
    }
    at = end + 1;
  }
  return {};
}

/// "http://HOST" or "https://HOST", HOST being what the Host header says.
bool same_site(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return lower(origin.substr(scheme.size())) == lower(host);
  }
  return false;
}

/// Sets the cookie and leads to the page without the token.
Reply log_in(const Request& request, std::string_view path, const std::string& cookie,
             const std::string& token) {
  Reply reply;
  reply.status = 303;
  reply.headers = {{"Location", std::string(path)},
                   {"Set-Cookie", cookie + "=" + token + "; HttpOnly; SameSite=Strict; Path=/" +
                                      (request.secure ? "; Secure" : "")}};
  return reply;
}

}  // namespace

Reply refuse(unsigned status, std::string_view text) {
  Reply reply = json_reply(boost::json::serialize(boost::json::object{{"error", text}}));
  reply.status = status;
  return reply;
}

Reply json_reply(std::string body) {
  Reply reply;
  reply.body = std::move(body);
  return reply;
}

const std::vector<std::pair<std::string, std::string>>& default_headers() {
  static const std::vector<std::pair<std::string, std::string>> headers{
      {"Cache-Control", "no-store"},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Content-Security-Policy",
       "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
       "form-action 'self'; frame-ancestors 'none'"}};
  return headers;
}

Routes::Routes(Secrets secrets, std::vector<std::string> hosts)
    : secrets_(std::move(secrets)), hosts_(std::move(hosts)) {
  for (std::string& host : hosts_) host = lower(host);
}

void Routes::add(Route route) {
  for (const Route& other : routes_) {
    if (other.method == route.method && other.pattern == route.pattern) {
      throw Error(ErrorCode::Internal, "route " + route.method + " " + route.pattern + " twice");
    }
  }
  routes_.push_back(std::move(route));
}

bool Routes::knows_host(std::string_view host) const {
  // The port does not matter: a tunnel has another one.
  const std::string name = lower(host.substr(0, colon_of(host)));
  return std::find(hosts_.begin(), hosts_.end(), name) != hosts_.end();
}

Authority Routes::authority_of(std::string_view token) const {
  // Both are compared always, so that the time says nothing.
  const bool act = equal_in_constant_time(token, secrets_.act);
  const bool view = equal_in_constant_time(token, secrets_.view);
  if (token.empty()) return Authority::None;
  if (act) return Authority::Act;
  return view ? Authority::View : Authority::None;
}

std::variant<Reply, Admitted> Routes::admit(const Request& request) const {
  if (!knows_host(request.host)) return refuse(403, "this host name is not ours");
  if (!request.origin.empty() && !same_site(request.origin, request.host)) {
    return refuse(403, "another site's page may not ask this");
  }

  const std::string_view target = request.target;
  const std::size_t question = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, question);
  const auto query = query_of(question < target.size() ? target.substr(question + 1) : "");
  const auto segments = segments_of(path);
  const bool readable = target.size() <= kTargetBytesMax && query && segments;

  constexpr std::string_view kBearer = "Bearer ";
  const bool bearer = !request.authorization.empty();
  const std::string cookie = cookie_name(request.host);
  std::string_view token =
      bearer ? std::string_view(request.authorization) : cookie_token(request.cookie, cookie);
  if (bearer) token = token.starts_with(kBearer) ? token.substr(kBearer.size()) : "";
  Admitted admitted;
  admitted.call.authority = authority_of(token);

  bool path_known = false;
  if (readable) {
    for (const Route& route : routes_) {
      if (!matches(route, *segments, admitted.call.parameters)) continue;
      path_known = true;
      if (route.method != request.method) continue;
      admitted.route = &route;
      break;
    }
    if (const auto found = query->find("token");
        found != query->end() && admitted.route != nullptr && request.method == "GET" &&
        authority_of(found->second) != Authority::None) {
      return log_in(request, path, cookie, found->second);
    }
  }
  const bool open = admitted.route != nullptr && admitted.route->authority == Authority::None;
  if (admitted.call.authority == Authority::None && !open) {
    Reply reply = refuse(401, "a token is needed");
    reply.headers = {{"WWW-Authenticate", "Bearer"}};
    return reply;
  }
  if (!path_known) return refuse(404, "no such page");
  if (admitted.route == nullptr) return refuse(405, "not with this method");
  if (admitted.call.authority < admitted.route->authority) {
    return refuse(403, "this token may only look");
  }
  if (admitted.route->authority == Authority::Act && !bearer && request.origin.empty()) {
    return refuse(403, "an action with a cookie must name its origin");
  }
  for (const std::string& segment : *segments) admitted.call.path += "/" + segment;
  admitted.call.query = *query;
  admitted.call.peer = request.peer;
  return admitted;
}

Reply Routes::run(const Admitted& admitted, std::string body) {
  Call call = admitted.call;
  call.body = std::move(body);
  try {
    return admitted.route->handler(call);
  } catch (const Error& error) {
    return refuse(error.code() == ErrorCode::InvalidInput ? 400 : 503, error.what());
  } catch (const std::exception& error) {
    return refuse(500, error.what());
  }
}

}  // namespace reprise::web
