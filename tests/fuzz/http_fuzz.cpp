/// Any bytes as an HTTP request to the coordinator's routes: answered as the secret in it allows.

#include <boost/asio/buffer.hpp>
#include <charconv>
#include <string_view>

#include "orchestrator/http_message.h"
#include "tests/fuzz/require.h"
#include "tests/orchestrator/fake_control_host.h"

namespace {

using namespace reprise;
using fuzz::require;

// Short, so that the fuzzer may find them; they stand in the corpus.
const std::string kAct = "ActSecret";
const std::string kView = "ViewSecret";

struct Coordinator {
  Coordinator() {
    add_control_routes(routes, host);
    routes.add({"GET", "/", web::Authority::None, [](const web::Call&) { return web::Reply{}; }});
    routes.add({"GET", "/files/{name}", web::Authority::View,
                [](const web::Call& call) { return web::json_reply(call.parameters.at("name")); }});
  }
  FakeControlHost host;
  web::Routes routes{{kAct, kView}, {"127.0.0.1", "localhost", "[::1]"}};
};

/// The secret as it stands, or with some of its letters as %XX: a query may spell it so.
bool holds(std::string_view text, std::string_view secret) {
  for (std::size_t start = 0; start < text.size(); ++start) {
    std::size_t at = start, found = 0;
    while (found < secret.size() && at < text.size()) {
      char c = text[at++];
      unsigned number = 0;
      if (c == '%' && at + 2 <= text.size()) {
        const auto [end, error] =
            std::from_chars(text.data() + at, text.data() + at + 2, number, 16);
        if (error != std::errc{} || end != text.data() + at + 2) break;
        c = static_cast<char>(number);
        at += 2;
      }
      if (c != secret[found]) break;
      ++found;
    }
    if (found == secret.size()) return true;
  }
  return false;
}

/// Nobody is let in without the secret that the route wants, and no path leaves its place.
void check_admitted(const web::Admitted& admitted, std::string_view text) {
  const auto has = [&](const std::string& secret) { return holds(text, secret); };
  const web::Authority wanted = admitted.route->authority;
  require(wanted != web::Authority::Act || has(kAct));
  require(wanted != web::Authority::View || has(kAct) || has(kView));
  require(admitted.call.authority >= wanted);
  for (const auto& [name, value] : admitted.call.parameters) {
    require(!value.empty() && value != "." && value != "..");
    require(value.find_first_of("/\\") == std::string::npos);
    for (const char c : value) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Coordinator coordinator;
  coordinator.host.acts.clear();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  RequestParser parser;
  limit(parser);
  parser.eager(true);
  boost::beast::error_code error;
  parser.put(boost::asio::buffer(data, size), error);
  if (error || !parser.is_header_done() || is_ambiguous(parser.get())) return 0;
  auto verdict = coordinator.routes.admit(request_of(parser.get(), "198.51.100.1", true));
  web::Reply reply;
  if (const auto* admitted = std::get_if<web::Admitted>(&verdict)) {
    check_admitted(*admitted, text);
    reply = web::Routes::run(*admitted, std::move(parser.get().body()));
  } else {
    reply = std::get<web::Reply>(std::move(verdict));
    require(reply.status >= 303);
  }
  require(coordinator.host.acts.empty() || holds(text, kAct));
  const HttpResponse response = response_of(reply, parser.get().version(), false);
  for (const auto& field : response) {
    require(field.value().find_first_of("\r\n") == boost::beast::string_view::npos);
  }
  return 0;
}
