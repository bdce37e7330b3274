/// The round trip of a no-op stage: assigned, returned, committed to SQLite, acknowledged.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <optional>

#include "orchestrator/coordinator.h"
#include "orchestrator/workspace.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// Times from the first finished stage to the last: starting the gangs is not part of it.
class Stopwatch : public Observer {
 public:
  void on_change(const std::vector<StageStatus>& /*all*/, const StageStatus& changed) override {
    if (changed.state != "done") return;
    last_ = Clock::now();
    if (!first_) first_ = last_;
  }
  void on_tick(const std::vector<StageStatus>& /*all*/) override {}
  void on_note(const std::string& /*line*/) override {}

  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(last_ - first_.value_or(last_)).count();
  }

 private:
  std::optional<Clock::time_point> first_;
  Clock::time_point last_;
};

sweep::Plan noop_plan(std::int64_t count, std::int64_t round) {
  sweep::Plan plan;
  plan.study = "noop";
  for (std::int64_t i = 0; i < count; ++i) {
    sweep::Stage stage;
    stage.kind = sweep::StageKind::Evaluate;
    stage.config = {{"number", i}, {"round", round}};
    stage.dataset = "none";
    stage.dataset_digest = std::string(64, 'd');
    stage.label = "no-op";
    stage.id = sweep::stage_id(stage);
    plan.stages.push_back(std::move(stage));
  }
  return plan;
}

/// Arguments: stages, gangs.
void coordinator_round_trip(benchmark::State& state) {
  const fs::path folder =
      fs::temp_directory_path() / ("reprise-bench-" + std::to_string(::getpid()));
  RunOptions options;
  options.workspace = folder;
  options.worker_binary = NOOP_GANG;
  options.gangs = static_cast<int>(state.range(1));
  std::int64_t round = 0;
  for (auto _ : state) {
    fs::remove_all(folder);
    fs::create_directories(folder);
    const auto plan = noop_plan(state.range(0), ++round);
    db::Store store(folder / "results.db", db::Access::ReadWrite);
    store.put_plan(plan, "");
    const WorkspaceLock held(folder);
    Stopwatch watch;
    const auto outcome = run_plan(held, store, plan, {{"none", "/none"}}, options, watch);
    if (outcome.done != state.range(0)) state.SkipWithError("stages were lost");
    state.SetIterationTime(watch.seconds());
  }
  state.SetItemsProcessed(state.iterations() * (state.range(0) - 1));
  fs::remove_all(folder);
}
BENCHMARK(coordinator_round_trip)
    ->Args({1000, 1})
    ->Args({1000, 2})
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace reprise
