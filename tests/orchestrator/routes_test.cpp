#include "orchestrator/routes.h"

#include <gtest/gtest.h>

#include "sweep/error.h"
#include "tests/orchestrator/fake_control_host.h"

namespace reprise {
namespace {

using web::Authority;

const std::string kAct(64, 'a');
const std::string kView(64, 'b');

class RoutesTest : public ::testing::Test {
 protected:
  RoutesTest() {
    add_control_routes(routes_, host_);
    routes_.add({"GET", "/open", Authority::None, [](const web::Call&) { return web::Reply{}; }});
    routes_.add({"GET", "/files/{name}", Authority::View, [](const web::Call& call) {
                   return web::json_reply(call.parameters.at("name"));
                 }});
  }

  static web::Request request(const std::string& method, const std::string& target,
                              const std::string& token) {
    web::Request result;
    result.method = method;
    result.target = target;
    result.host = "127.0.0.1:4711";
    if (!token.empty()) result.authorization = "Bearer " + token;
    return result;
  }

  unsigned status(const web::Request& asked, const std::string& body = "") {
    auto verdict = routes_.admit(asked);
    if (auto* refusal = std::get_if<web::Reply>(&verdict)) return refusal->status;
    return web::Routes::run(std::get<web::Admitted>(verdict), body).status;
  }

  FakeControlHost host_;
  web::Routes routes_{{kAct, kView}, {"127.0.0.1", "localhost", "[::1]"}};
};

// A route without a guard, or a method that was forgotten, fails here.
TEST_F(RoutesTest, EveryRouteEveryMethodEveryTokenState) {
  const std::vector<std::string> methods{"GET",    "HEAD",    "POST",    "PUT",  "PATCH",
                                         "DELETE", "OPTIONS", "CONNECT", "TRACE"};
  const std::string old(64, 'c');
  const std::vector<std::string> bad{"", old, "x", kAct.substr(1), kAct + "a", kView + "b"};
  int asked = 0;
  for (const web::Route& route : routes_.all()) {
    if (route.authority == Authority::None) {
      EXPECT_EQ(route.pattern, "/open") << "a new page for everybody: is that meant?";
      continue;
    }
    for (const std::string& method : methods) {
      for (const std::string& token : bad) {
        EXPECT_EQ(status(request(method, route.pattern, token)), 401U)
            << method << " " << route.pattern << " " << token;
        ++asked;
      }
      if (method == route.method) continue;
      EXPECT_EQ(status(request(method, route.pattern, kAct)), 405U) << method << route.pattern;
      EXPECT_EQ(status(request(method, route.pattern, kView)), 405U) << method << route.pattern;
    }
    const unsigned with_view = status(request(route.method, route.pattern, kView));
    if (route.authority == Authority::Act) {
      EXPECT_EQ(with_view, 403U) << route.pattern;
    } else {
      EXPECT_EQ(with_view, route.upgrade == web::Upgrade::None ? 200U : 426U) << route.pattern;
    }
  }
  EXPECT_GE(asked, 400);
  EXPECT_TRUE(host_.acts.empty());
}

TEST_F(RoutesTest, ActionsReachTheCoordinatorWithTheActToken) {
  for (const char* name : {"pause", "resume", "drain"}) {
    EXPECT_EQ(status(request("POST", std::string("/api/actions/") + name, kAct)), 200U);
  }
  EXPECT_EQ(host_.acts, (std::vector<std::string>{"pause", "resume", "drain"}));
  EXPECT_EQ(status(request("POST", "/api/actions/cancel", kAct), "{"), 400U);
  EXPECT_EQ(status(request("POST", "/api/actions/cancel", kAct)), 400U);
  EXPECT_EQ(status(request("POST", "/api/actions/explode", kAct)), 404U);
}

TEST_F(RoutesTest, ForeignHostsAndOriginsAreRefusedEverywhere) {
  for (const web::Route& route : routes_.all()) {
    for (const char* host : {"", "evil.example", "evil.example:4711", "127.0.0.1.evil.example",
                             "localhost.", "[::1].evil", "127.0.0.2"}) {
      web::Request asked = request(route.method, route.pattern, kAct);
      asked.host = host;
      EXPECT_EQ(status(asked), 403U) << route.pattern << " " << host;
    }
    for (const char* origin :
         {"null", "http://evil.example", "http://127.0.0.1:4712", "http://127.0.0.1",
          "https://localhost:4711", "127.0.0.1:4711", "file://127.0.0.1:4711"}) {
      web::Request asked = request(route.method, route.pattern, kAct);
      asked.origin = origin;
      EXPECT_EQ(status(asked), 403U) << route.pattern << " " << origin;
    }
  }
  for (const char* host : {"localhost:1", "LocalHost", "[::1]:4711", "127.0.0.1"}) {
    web::Request asked = request("GET", "/status", kView);
    asked.host = host;
    EXPECT_EQ(status(asked), 200U) << host;
    asked.origin = std::string("http://") + host;
    EXPECT_EQ(status(asked), 200U) << host;
  }
}

TEST_F(RoutesTest, BrowserGetsACookieWhichAloneCannotAct) {
  const auto verdict = routes_.admit(request("GET", "/status?token=" + kAct, ""));
  const auto& reply = std::get<web::Reply>(verdict);
  EXPECT_EQ(reply.status, 303U);
  EXPECT_EQ(reply.headers.at(0).second, "/status");
  EXPECT_EQ(reply.headers.at(1).second,
            "reprise_token_4711=" + kAct + "; HttpOnly; SameSite=Strict; Path=/");
  web::Request asked = request("GET", "/status", "");
  asked.cookie = "other=1; reprise_token_4711=" + kAct + "; more=2";
  EXPECT_EQ(status(asked), 200U);
  asked.method = "POST";
  asked.target = "/api/actions/pause";
  EXPECT_EQ(status(asked), 403U);
  asked.origin = "http://127.0.0.1:4711";
  EXPECT_EQ(status(asked), 200U);
  // A wrong header is not saved by a right cookie.
  asked.authorization = "Bearer x";
  EXPECT_EQ(status(asked), 401U);
  EXPECT_EQ(status(request("GET", "/status?token=wrong", "")), 401U);
  EXPECT_EQ(status(request("POST", "/api/actions/pause?token=" + kAct, "")), 401U);
}

// Browsers send a host's cookies to all its ports: a second coordinator must not take ours for its.
TEST_F(RoutesTest, CookiesOfOtherPortsDoNotCount) {
  web::Request asked = request("GET", "/status", "");
  for (const char* name : {"reprise_token_4712", "reprise_token", "reprise_token_47110"}) {
    asked.cookie = std::string(name) + "=" + kAct;
    EXPECT_EQ(status(asked), 401U) << name;
  }
  asked.cookie = "reprise_token_4712=" + kView + "; reprise_token_4711=" + kAct;
  EXPECT_EQ(status(asked), 200U);
  asked.host = "127.0.0.1";
  EXPECT_EQ(status(asked), 401U);
  asked.cookie = "reprise_token=" + kAct;
  EXPECT_EQ(status(asked), 200U);
  asked.host = "[::1]:80";
  asked.cookie = "reprise_token_80=" + kAct;
  EXPECT_EQ(status(asked), 200U);
  asked.host = "127.0.0.1:47;x=1";  // Nothing of a strange port gets into a header.
  asked.target = "/status?token=" + kAct;
  const auto reply = std::get<web::Reply>(routes_.admit(asked));
  EXPECT_TRUE(reply.headers.at(1).second.starts_with("reprise_token=" + kAct + ";"));
}

TEST_F(RoutesTest, NoPathLeavesItsPlace) {
  const std::vector<std::string> names{
      "../etc/passwd",      "..",      ".",    "..\\..\\x",       "/etc/passwd",
      "a/../../etc/passwd", "....//x", "x/..", "\\\\host\\share", "C:\\x"};
  const std::vector<std::pair<std::string, std::string>> encodings{
      {"", ""},      {".", "%2e"},   {"/", "%2f"}, {"/", "//"},
      {"\\", "%5c"}, {".", "%252e"}, {"/", "%2F"}};
  int asked = 0;
  for (const std::string& prefix :
       {std::string("/files/"), std::string("/"), std::string("/files//"), std::string("/status/"),
        std::string("")}) {
    for (const std::string& name : names) {
      for (const auto& [plain, coded] : encodings) {
        std::string target = prefix + name;
        for (std::size_t at = 0;
             !plain.empty() && (at = target.find(plain, at)) != std::string::npos;
             at += coded.size()) {
          target.replace(at, plain.size(), coded);
        }
        const auto verdict = routes_.admit(request("GET", target, kView));
        ++asked;
        if (const auto* admitted = std::get_if<web::Admitted>(&verdict)) {
          // Only as a plain name, never as a path.
          const std::string& got = admitted->call.parameters.at("name");
          EXPECT_EQ(got.find_first_of("/\\"), std::string::npos) << target;
          EXPECT_NE(got, "..") << target;
          EXPECT_NE(got, ".") << target;
        } else {
          EXPECT_EQ(std::get<web::Reply>(verdict).status, 404U) << target;
        }
      }
    }
  }
  for (const std::string& tail : {std::string("%00"), std::string("a%00b"), std::string("%"),
                                  std::string("%zz"), std::string("%0a"), std::string(8192, 'a')}) {
    EXPECT_EQ(status(request("GET", "/files/" + tail, kView)), 404U) << tail;
    EXPECT_EQ(status(request("GET", "/files/a?q=" + tail, kView)), 404U) << tail;
    asked += 2;
  }
  EXPECT_GE(asked, 300);
}

TEST_F(RoutesTest, ParametersQueriesAndErrorsArePassedOn) {
  const auto verdict = routes_.admit(request("GET", "/files/a%20b+c?x=1+2&y=%26&&z", kView));
  const web::Call& call = std::get<web::Admitted>(verdict).call;
  EXPECT_EQ(call.parameters.at("name"), "a b+c");
  EXPECT_EQ(call.query.at("x"), "1 2");
  EXPECT_EQ(call.query.at("y"), "&");
  EXPECT_EQ(call.query.at("z"), "");
  routes_.add({"GET", "/bad", Authority::View, [](const web::Call&) -> web::Reply {
                 throw Error(ErrorCode::Unavailable, "\"later\"");
               }});
  EXPECT_EQ(status(request("GET", "/bad", kView)), 503U);
  EXPECT_THROW(routes_.add({"GET", "/bad", Authority::View, nullptr}), Error);
  EXPECT_EQ(web::refuse(404, "a\"<b>").body, R"({"error":"a\"<b>"})");
}

TEST(Routes, WithoutSecretsNobodyEnters) {
  web::Routes routes({"", ""}, {"localhost"});
  routes.add({"GET", "/x", Authority::View, [](const web::Call&) { return web::Reply{}; }});
  web::Request asked{"GET", "/x", "localhost", "", "Bearer ", "", ""};
  EXPECT_EQ(std::get<web::Reply>(routes.admit(asked)).status, 401U);
}

}  // namespace
}  // namespace reprise
