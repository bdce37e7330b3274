#pragma once
/// Who may ask the coordinator what over HTTP: one table of routes, and the checks before a handler
/// runs. Knows no sockets, so that a test can put every request to every route.
///
/// The order of the checks: Host and Origin (403), the secret (401), the path (404), the method
/// (405), the authority (403). Whoever has no secret therefore learns nothing of the table.
///
/// A secret comes as `Authorization: Bearer TOKEN`, or as the cookie `reprise_token_PORT` (the port
/// that the browser sees). A browser gets the cookie from `/any/page?token=TOKEN`: the answer sets
/// it and leads to the page without the token. An action with a cookie must name its own site in
/// `Origin`.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace reprise::web {

/// What a secret allows; each includes those before it.
enum class Authority : std::uint8_t {
  None,  ///< Anybody: only for pages that hold no data.
  View,  ///< Reading everything.
  Act    ///< Pausing, cancelling, adding work, and being a gang.
};

/// A request as it came, its body apart.
struct Request {
  std::string method, target;  ///< "GET", "/status?x=1".
  std::string host, origin, authorization, cookie;
  std::string peer;     ///< Address of the other side, for the log.
  bool secure = false;  ///< It came under TLS.
};

/// What a handler sees.
struct Call {
  std::string path;                               ///< Decoded, without the query.
  std::map<std::string, std::string> parameters;  ///< What stood for `{name}` in the pattern.
  std::map<std::string, std::string> query;
  std::string body, peer;
  Authority authority = Authority::None;
};

struct Reply {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  ///< These replace the default ones.
};

/// What a WebSocket on a route speaks. Its handler answers a plain request.
enum class Upgrade : std::uint8_t {
  None,
  Gang,  ///< wire.h
  Live   ///< Texts to a page, live.h
};

using Handler = std::function<Reply(const Call&)>;

struct Route {
  std::string method;   ///< Upper case.
  std::string pattern;  ///< "/status", "/api/stages/{id}"; a parameter is one path segment.
  Authority authority = Authority::Act;
  Handler handler = {};  ///< Throws `Error`: InvalidInput becomes 400, everything else 503.
  Upgrade upgrade = Upgrade::None;
  /// May take long: runs in the background thread, so it must not touch the coordinator's state.
  bool background = false;
};

struct Secrets {
  std::string act, view;
};

/// A request that passed every check.
struct Admitted {
  const Route* route = nullptr;
  Call call;
};

class Routes {
 public:
  static constexpr std::size_t kTargetBytesMax = 2048;

  /// `hosts`: names under which we may be spoken to, without port ("127.0.0.1", "localhost").
  Routes(Secrets secrets, std::vector<std::string> hosts);

  /// Errors: Internal for a route that is there already.
  void add(Route route);
  [[nodiscard]] const std::vector<Route>& all() const { return routes_; }

  /// The refusal, or the route and its parameters.
  [[nodiscard]] std::variant<Reply, Admitted> admit(const Request& request) const;
  /// Runs an admitted request's handler; never throws.
  [[nodiscard]] static Reply run(const Admitted& admitted, std::string body);

 private:
  [[nodiscard]] bool knows_host(std::string_view host) const;
  [[nodiscard]] Authority authority_of(std::string_view token) const;

  Secrets secrets_;
  std::vector<std::string> hosts_;
  std::vector<Route> routes_;
};

/// {"error": text}
Reply refuse(unsigned status, std::string_view text);
/// A 200 with this JSON text.
Reply json_reply(std::string body);
/// The headers that every answer carries unless its own replace them.
const std::vector<std::pair<std::string, std::string>>& default_headers();

}  // namespace reprise::web
