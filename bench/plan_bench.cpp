/// What `reprise plan` computes of a study of ten thousand trials, a tenth of what is allowed.
#include <benchmark/benchmark.h>

#include <string>

#include "dashboards/coverage.h"
#include "sweep/accounting.h"
#include "sweep/cost_book.h"
#include "sweep/study.h"

namespace reprise {
namespace {

/// A grid of 10^4 combinations, fine-tuned with a loss of the U-Net: 21,000 stages.
constexpr const char* kGrid = R"(schema = 1
name = "grid"
[datasets.d]
importer = "phantom"
[trial]
dataset = "d"
[[trials]]
row = "w{network.width} b{network.blocks} s{seed} {pretrain.learning_rate}"
finetune.loss = ["l1", "e1"]
[trials.grid]
"network.width" = [12, 24, 36, 48, 60, 72, 84, 96, 108, 120]
"network.blocks" = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
"pretrain.learning_rate" = [1e-4, 2e-4, 3e-4, 4e-4, 5e-4, 6e-4, 7e-4, 8e-4, 9e-4, 1e-3]
seed = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
[[tables]]
name = "t"
columns = ["PSNR", "SSIM"]
)";

void read_ten_thousand_trials(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(sweep::parse_study(kGrid, "grid.toml"));
}
BENCHMARK(read_ten_thousand_trials)->Unit(benchmark::kMillisecond);

void plan_ten_thousand_trials(benchmark::State& state) {
  const std::map<std::string, std::string> digests{{"d", std::string(64, 'd')}};
  for (auto _ : state) {
    const sweep::Study study = sweep::parse_study(kGrid, "grid.toml");
    const sweep::Plan plan = sweep::make_plan(study, digests);
    benchmark::DoNotOptimize(sweep::count_steps(study, plan));
    sweep::CostBook costs;
    double seconds = 0;
    for (const sweep::Stage& stage : plan.stages) {
      seconds += costs.estimate(stage).seconds;
      benchmark::DoNotOptimize(costs.model().weight_bytes(stage));
    }
    benchmark::DoNotOptimize(seconds);
    benchmark::DoNotOptimize(dashboards::cell_sources(plan));
    if (plan.trials.size() != 10'000) state.SkipWithError("not ten thousand trials");
  }
}
BENCHMARK(plan_ten_thousand_trials)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace reprise
