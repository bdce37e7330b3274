#pragma once
/// A gang as the worker behaves (worker/link_state.h): stages one after another, heartbeats,
/// reports until they are acknowledged.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace reprise::simulation {

struct Gang {
  std::string name, host;
  int ranks = 1;
  int copy = 0;  ///< The engine may start a gang twice.
  bool alive = true, connected = false, cut = false, hung = false, leaving = false;
  bool working = false;  ///< Its next step is planned.
  bool member_hung = false;
  std::int64_t member_heard = 0;                     ///< When the stalest member was last heard of.
  std::int64_t line = 0;                             ///< Number of its present connection; 0: none.
  std::int64_t next_delivery = 0, next_arrival = 0;  ///< Keep the order of an in-order line.
  double pace = 1;                                   ///< Of its clock.

  struct Work {
    std::string stage;
    std::int64_t fence = 0;
    std::int64_t steps = 1, progress = 0;
  };
  std::optional<Work> work;
  std::deque<Work> queue;
  std::set<std::int64_t> seen;
  struct Report {
    std::string stage, code, message;  ///< Without a code: a result.
    std::int64_t next_try = 0;
  };
  std::map<std::int64_t, Report> reports;  ///< By fence.

  void assign(const Work& next) {
    if (seen.insert(next.fence).second) queue.push_back(next);
  }
  void revoke(std::int64_t fence) {
    seen.insert(fence);
    if (work && work->fence == fence) work.reset();
    std::erase_if(queue, [&](const Work& one) { return one.fence == fence; });
    reports.erase(fence);
  }
};

}  // namespace reprise::simulation
