/// Runs seeds: orchestrator_simulation [--seed N] [--first N] [--count N] [--threads N]
///
/// Prints the seeds that broke a promise and ends with 1 then. --seed replays one, event by event.
/// Every hundredth seed runs twice and must do the very same. After 10,000 seeds or more, every
/// mark must have been seen: a disaster that never happens tests nothing.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/simulation/world.h"

namespace reprise::simulation {
namespace {

constexpr std::string_view kMustFire[] = {"assigned",
                                          "attempts taken over",
                                          "came back with work",
                                          "cancelled",
                                          "clock jumped",
                                          "commit failed",
                                          "coordinator crashed",
                                          "coordinator ended",
                                          "crash after commit",
                                          "crash before commit",
                                          "died at start",
                                          "disk full",
                                          "drained",
                                          "gang crashed",
                                          "gang hung",
                                          "gang killed",
                                          "gang shut down",
                                          "handed back",
                                          "job vanished",
                                          "large gang",
                                          "line reset",
                                          "member hung",
                                          "message from a gang lost",
                                          "message to a gang lost",
                                          "newest line wins",
                                          "partition",
                                          "paused",
                                          "permanent failure",
                                          "prioritised",
                                          "refused result",
                                          "result committed",
                                          "retried",
                                          "revoked",
                                          "second copy",
                                          "several handed out",
                                          "several in one commit",
                                          "shutdown ignored",
                                          "slot shared",
                                          "stage failed",
                                          "stale gang turned away",
                                          "steps timed",
                                          "stopped",
                                          "study added",
                                          "zombie"};

struct Total {
  std::uint64_t events = 0, hash = 0, broken = 0;
  std::int64_t virtual_ms = 0;
  Marks marks;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> failures;  ///< Count, first seed.
};

std::uint64_t run_once(std::uint64_t seed, Total& total, bool verbose) {
  World world(seed, total.marks, verbose);
  try {
    world.run();
  } catch (const Broken& broken) {
    ++total.broken;
    if (verbose) std::printf("broken: %s\n", broken.what.c_str());
    auto& failure = total.failures.try_emplace(broken.what.substr(0, 60), 0, seed).first->second;
    ++failure.first;
    failure.second = std::min(failure.second, seed);
  }
  total.events += world.events();
  total.virtual_ms += world.now();
  return world.hash();
}

void run_seeds(std::uint64_t first, std::uint64_t count, std::uint64_t step, Total& total) {
  for (std::uint64_t seed = first; seed < first + count; seed += step) {
    const std::uint64_t hash = run_once(seed, total, false);
    total.hash ^= hash * (seed | 1U);
    if (seed % 100 != 0 || hash == run_once(seed, total, false)) continue;
    ++total.broken;
    total.failures.try_emplace("a seed does not do the same twice", 1, seed);
  }
}

void add(Total& sum, const Total& part) {
  sum.events += part.events;
  sum.hash ^= part.hash;
  sum.broken += part.broken;
  sum.virtual_ms += part.virtual_ms;
  for (const auto& [name, count] : part.marks) sum.marks[name] += count;
  for (const auto& [what, failure] : part.failures) {
    auto& there = sum.failures.try_emplace(what, 0, failure.second).first->second;
    there.first += failure.first;
    there.second = std::min(there.second, failure.second);
  }
}

int run_many(std::uint64_t first, std::uint64_t count, unsigned threads) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<Total> parts(threads);
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < threads; ++i) {
    workers.emplace_back(
        [&, i] { run_seeds(first + i, count > i ? count - i : 0, threads, parts[i]); });
  }
  for (std::thread& worker : workers) worker.join();
  Total total;
  for (const Total& part : parts) add(total, part);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf(
      "%llu seeds in %.1f s, %.1f million events, %.0f virtual hours, hash %016llx\n",
      static_cast<unsigned long long>(count), took.count(), static_cast<double>(total.events) / 1e6,
      static_cast<double>(total.virtual_ms) / 3.6e6, static_cast<unsigned long long>(total.hash));
  for (const auto& [name, seen] : total.marks) {
    std::printf("  %-28s %llu\n", std::string(name).c_str(), static_cast<unsigned long long>(seen));
  }
  for (const auto& [what, failure] : total.failures) {
    std::printf("BROKEN %s: %llu seeds, replay with --seed %llu\n", what.c_str(),
                static_cast<unsigned long long>(failure.first),
                static_cast<unsigned long long>(failure.second));
  }
  bool complete = true;
  for (const std::string_view name : kMustFire) {
    if (count < 10000 || total.marks.contains(name)) continue;
    std::printf("NEVER SEEN: %s\n", std::string(name).c_str());
    complete = false;
  }
  return total.broken == 0 && complete ? 0 : 1;
}

}  // namespace
}  // namespace reprise::simulation

int main(int argc, char** argv) {
  using namespace reprise::simulation;
  std::map<std::string, std::uint64_t> options{{"--first", 1},
                                               {"--count", SIMULATION_SEEDS},
                                               {"--threads", std::thread::hardware_concurrency()},
                                               {"--seed", 0}};
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto found = options.find(argv[i]);
    if (found == options.end()) {
      std::fprintf(stderr, "unknown option %s\n", argv[i]);
      return 2;
    }
    found->second = std::strtoull(argv[i + 1], nullptr, 10);
  }
  if (options["--seed"] != 0) {
    Total total;
    run_once(options["--seed"], total, true);
    return total.broken == 0 ? 0 : 1;
  }
  return run_many(options["--first"], options["--count"],
                  static_cast<unsigned>(std::max<std::uint64_t>(1, options["--threads"])));
}
