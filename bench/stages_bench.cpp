/// A stage's identity: canonical JSON and SHA-256.
#include <benchmark/benchmark.h>

#include <boost/json/parse.hpp>
#include <vector>

#include "sweep/stage.h"

namespace reprise {
namespace {

std::vector<sweep::Stage> many_stages(std::size_t count) {
  std::vector<sweep::Stage> stages(count);
  for (std::size_t i = 0; i < count; ++i) {
    stages[i].kind = sweep::StageKind::Finetune;
    stages[i].config = boost::json::parse(R"({"network":{"name":"rdst","width":60,"growth":30,
      "heads":6,"window":8,"layers":2,"blocks":4,"gff":false,"dense_layers":3},"scale":4,
      "noise":0.0,"loss":[{"name":"l1","weight":1.0},{"name":"e1","weight":10.0}],
      "train":{"steps":20000,"batch":32,"patch":24,"learning_rate":0.0001,"gamma":0.5,
      "milestones":[10000,15000]},"precision":"fp32"})")
                           .as_object();
    stages[i].config["seed"] = i;
    stages[i].dataset_digest = std::string(64, 'd');
    stages[i].inputs = {{"network", std::string(64, 'a')}, {"segmenter", std::string(64, 'b')}};
  }
  return stages;
}

void canonicalise_and_hash(benchmark::State& state) {
  const auto stages = many_stages(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    for (const sweep::Stage& stage : stages) benchmark::DoNotOptimize(sweep::stage_id(stage));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(canonicalise_and_hash)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace reprise
