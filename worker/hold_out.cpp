#include "worker/hold_out.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "sweep/error.h"
#include "worker/sampling.h"

namespace reprise::worker {

HeldOut hold_out(const SliceTensors& slices, const std::vector<int>& subject, std::int64_t subjects,
                 std::uint64_t seed) {
  const std::set<int> all(subject.begin(), subject.end());
  if (subjects >= static_cast<std::int64_t>(all.size())) {
    throw_invalid("validation.subjects = " + std::to_string(subjects) +
                  ": the training split has " + std::to_string(all.size()) +
                  " subjects, and one must be left to train on");
  }
  std::vector<std::pair<std::uint64_t, int>> order;  // Subjects by a random number each.
  for (const int who : all) order.emplace_back(draw(seed, 0, who, Purpose::HoldOut), who);
  std::sort(order.begin(), order.end());
  std::set<int> chosen;
  for (std::int64_t at = 0; at < subjects; ++at) chosen.insert(order[at].second);
  std::vector<std::int64_t> kept;
  std::vector<std::int64_t> out;
  for (std::size_t slice = 0; slice < subject.size(); ++slice) {
    auto& side = chosen.contains(subject[slice]) ? out : kept;
    side.push_back(static_cast<std::int64_t>(slice));
  }
  return {.training = slices.subset(kept), .held_out = slices.subset(out)};
}

}  // namespace reprise::worker
