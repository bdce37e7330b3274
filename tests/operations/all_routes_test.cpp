/// Every route that a running sweep serves, its own and the dashboard's: every method with every
/// state that a secret can be in. What is not expected below is refused, so a new route without a
/// guard fails here.

#include <gtest/gtest.h>

#include <set>

#include "dashboards/web/site.h"
#include "orchestrator/cli/site.h"
#include "orchestrator/http_message.h"
#include "tests/dashboards/web/support.h"
#include "tests/orchestrator/fake_control_host.h"

namespace reprise {
namespace {

using web::Authority;

const std::string kAct(64, 'a');
const std::string kView(64, 'b');
const std::string kOfAnEarlierCoordinator(64, 'c');
const std::string kHere = "127.0.0.1:4711";

/// What a caller shows, and what that makes of him.
struct Caller {
  std::string name, authorization, cookie, origin, query;
  Authority is = Authority::None;
  bool foreign = false;           ///< Refused before anything else is looked at.
  bool must_show_origin = false;  ///< May look, not act: the cookie alone proves nothing.
};

std::vector<Caller> callers() {
  const auto bearer = [](const std::string& token) { return "Bearer " + token; };
  const auto cookie = [](const std::string& token) { return "reprise_token_4711=" + token; };
  const std::string here = "http://" + kHere;
  return {
      {.name = "nothing"},
      {.name = "empty bearer", .authorization = bearer("")},
      {.name = "an earlier coordinator's", .authorization = bearer(kOfAnEarlierCoordinator)},
      {.name = "half of it", .authorization = bearer(kAct.substr(32))},
      {.name = "a letter more", .authorization = bearer(kAct + "a")},
      {.name = "upper case", .authorization = bearer(std::string(64, 'A'))},
      {.name = "basic", .authorization = "Basic " + kAct},
      {.name = "without its scheme", .authorization = kAct},
      {.name = "both, one after the other", .authorization = bearer(kView + kAct)},
      {.name = "a wrong cookie", .cookie = cookie(kOfAnEarlierCoordinator)},
      {.name = "another port's cookie", .cookie = "reprise_token_4712=" + kAct},
      {.name = "a wrong header beside a right cookie",
       .authorization = bearer("x"),
       .cookie = cookie(kAct)},
      {.name = "view", .authorization = bearer(kView), .is = Authority::View},
      {.name = "act", .authorization = bearer(kAct), .is = Authority::Act},
      {.name = "view cookie", .cookie = cookie(kView), .origin = here, .is = Authority::View},
      {.name = "act cookie from our page",
       .cookie = cookie(kAct),
       .origin = here,
       .is = Authority::Act},
      {.name = "act cookie from nowhere",
       .cookie = cookie(kAct),
       .is = Authority::Act,
       .must_show_origin = true},
      {.name = "act cookie from another site",
       .cookie = cookie(kAct),
       .origin = "http://evil.example",
       .is = Authority::Act,
       .foreign = true},
      {.name = "act cookie from a file",
       .cookie = cookie(kAct),
       .origin = "null",
       .is = Authority::Act,
       .foreign = true},
      {.name = "a wrong secret in the address", .query = "?token=" + kOfAnEarlierCoordinator},
  };
}

class AllRoutesTest : public ::testing::Test {
 protected:
  AllRoutesTest() {
    db::Store store(folder_ / "reprise.db", db::Access::ReadWrite);
    const sweep::Plan plan = dashboards::web::small_plan();
    store.put_plan(plan, "");
    dashboards::web::finish(store, plan.stages[0].id, dashboards::web::training_body());
    site_ = std::make_unique<dashboards::web::Site>(folder_.path(), true);
    add_control_routes(routes_, host_);
    for (web::Route& route : cli::site_routes(*site_)) routes_.add(std::move(route));
  }

  /// The status that the table's rules give, in the order of routes.h.
  static unsigned expected(const web::Route* route, bool path_known, const Caller& caller) {
    if (caller.foreign) return 403;
    const bool open = route != nullptr && route->authority == Authority::None;
    if (caller.is == Authority::None && !open) return 401;
    if (!path_known) return 404;
    if (route == nullptr) return 405;
    if (caller.is < route->authority) return 403;
    if (route->authority == Authority::Act && caller.must_show_origin) return 403;
    return 200;
  }

  const reprise::testing::TempDir folder_;
  std::unique_ptr<dashboards::web::Site> site_;
  FakeControlHost host_;
  web::Routes routes_{{kAct, kView}, {"127.0.0.1", "localhost", "[::1]"}};
};

TEST_F(AllRoutesTest, EveryRouteEveryMethodEverySecret) {
  const std::vector<std::string> methods{"GET",   "HEAD",     "POST",    "PUT",
                                         "PATCH", "DELETE",   "OPTIONS", "CONNECT",
                                         "TRACE", "PROPFIND", "get",     ""};
  std::set<std::string> patterns{"/nothing", "/api", "/api/actions"};
  for (const web::Route& route : routes_.all()) patterns.insert(route.pattern);
  std::size_t asked = 0;
  for (const std::string& pattern : patterns) {
    for (const std::string& method : methods) {
      const web::Route* route = nullptr;
      bool path_known = false;
      for (const web::Route& each : routes_.all()) {
        path_known = path_known || each.pattern == pattern;
        if (each.pattern == pattern && each.method == method) route = &each;
      }
      for (const Caller& caller : callers()) {
        const std::string what = method + " " + pattern + " with " + caller.name;
        host_.acts.clear();
        host_.seen = 0;
        const auto verdict = routes_.admit({.method = method,
                                            .target = pattern + caller.query,
                                            .host = kHere,
                                            .origin = caller.origin,
                                            .authorization = caller.authorization,
                                            .cookie = caller.cookie,
                                            .peer = "127.0.0.1"});
        const unsigned wanted = expected(route, path_known, caller);
        ++asked;
        if (const auto* refusal = std::get_if<web::Reply>(&verdict)) {
          EXPECT_EQ(refusal->status, wanted) << what;
          EXPECT_EQ(refusal->body.find(kAct.substr(0, 8)), std::string::npos) << what;
          continue;
        }
        EXPECT_EQ(wanted, 200U) << what;
        const auto& admitted = std::get<web::Admitted>(verdict);
        EXPECT_EQ(admitted.route, route) << what;
        const web::Reply reply = web::Routes::run(admitted, "{}");
        EXPECT_NE(reply.status, 500U) << what << ": " << reply.body;
        // Only who may act reaches the coordinator's actions.
        EXPECT_TRUE(host_.acts.empty() || caller.is == Authority::Act) << what;
      }
    }
  }
  EXPECT_GT(asked, patterns.size() * 200);
}

TEST_F(AllRoutesTest, WhatEverybodySeesIsTheProgramsOwn) {
  std::set<std::string> open;
  for (const web::Route& route : routes_.all()) {
    if (route.authority == Authority::None) open.insert(route.method + " " + route.pattern);
    // Whatever changes something wants the secret that may act; whatever wants it is no GET but
    // for a gang's line.
    EXPECT_TRUE(route.method == "GET" || route.authority == Authority::Act) << route.pattern;
    if (route.authority == Authority::Act && route.method == "GET") {
      EXPECT_EQ(route.upgrade, web::Upgrade::Gang) << route.pattern;
    }
  }
  EXPECT_EQ(open, (std::set<std::string>{"GET /", "GET /assets/{version}/{name}"}))
      << "a new page for everybody: is that meant?";
}

TEST_F(AllRoutesTest, EveryAnswerForbidsWhatItIsNot) {
  for (const web::Route& route : routes_.all()) {
    for (const std::string& token : {kAct, kView, std::string("x")}) {
      web::Request request{.method = route.method, .target = route.pattern, .host = kHere};
      request.authorization = "Bearer " + token;
      auto verdict = routes_.admit(request);
      web::Reply reply;
      if (const auto* admitted = std::get_if<web::Admitted>(&verdict)) {
        reply = web::Routes::run(*admitted, "{}");
      } else {
        reply = std::get<web::Reply>(verdict);
      }
      const HttpResponse response = response_of(reply, 11, false);
      const auto header = [&](const char* name) {
        const auto value = response[name];
        return std::string(value.data(), value.size());
      };
      EXPECT_EQ(header("X-Content-Type-Options"), "nosniff") << route.pattern;
      EXPECT_EQ(header("X-Frame-Options"), "DENY") << route.pattern;
      EXPECT_TRUE(header("Content-Security-Policy").starts_with("default-src 'self';"))
          << route.pattern;
      // What holds data is never a page that a browser would run.
      if (route.authority != Authority::None) {
        EXPECT_EQ(header("Content-Type").find("html"), std::string::npos) << route.pattern;
        EXPECT_EQ(header("Content-Type").find("javascript"), std::string::npos) << route.pattern;
      }
    }
  }
}

}  // namespace
}  // namespace reprise
