// What there is to do in a seed's world, and what must hold of it.
#include "tests/simulation/life.h"
#include "tests/simulation/world.h"

namespace reprise::simulation {
namespace {

sweep::Stage stage_of(const std::string& id, sweep::StageKind kind, std::int64_t steps,
                      const std::vector<std::string>& inputs) {
  sweep::Stage stage;
  stage.id = stage.label = id;
  stage.kind = kind;
  stage.steps = steps;
  for (const std::string& input : inputs) stage.inputs["from-" + input] = input;
  return stage;
}

}  // namespace

void World::make_plan() {
  using sweep::StageKind;
  plan_.study = "first";
  extra_.study = "second";
  const auto add = [this](sweep::Plan& plan, const sweep::Stage& stage) {
    steps_[stage.id] = stage.steps;
    for (const auto& [role, input] : stage.inputs) inputs_[stage.id].push_back(input);
    plan.stages.push_back(stage);
  };
  std::vector<std::string> shared;
  for (std::int64_t i = random_.range(1, 3); i > 0; --i) {
    shared.push_back("p" + std::to_string(i));
    add(plan_, stage_of(shared.back(), StageKind::Pretrain, random_.range(2, 30), {}));
  }
  extra_.stages = plan_.stages;
  const std::int64_t trials = random_.range(2, 8);
  for (std::int64_t t = 0; t < trials; ++t) {
    const std::string& base = shared[static_cast<std::size_t>(
        random_.range(0, static_cast<std::int64_t>(shared.size()) - 1))];
    const std::string name = std::to_string(t);
    sweep::Plan& plan = t % 3 == 2 ? extra_ : plan_;
    add(plan, stage_of("f" + name, StageKind::Finetune, random_.range(2, 40), {base}));
    add(plan, stage_of("e" + name, StageKind::Evaluate, 1, {"f" + name}));
    if (random_.chance(0.08)) poison_.insert(random_.chance(0.5) ? "f" + name : "e" + name);
  }
  // Short ones, which are handed out several at a time.
  for (std::int64_t i = random_.chance(0.3) ? random_.range(5, 40) : 0; i > 0; --i) {
    add(plan_, stage_of("s" + std::to_string(i), StageKind::TrainUnet, 1, {}));
  }
}

bool World::all_as_expected() const {
  std::set<std::string> dead = poison_;
  for (const sweep::Plan* plan : {&plan_, &extra_}) {
    for (const sweep::Stage& stage : plan->stages) {
      for (const auto& [role, input] : stage.inputs) {
        if (dead.contains(input)) dead.insert(stage.id);
      }
      if (!dead.contains(stage.id) && !database_.is_done(stage.id)) return false;
    }
  }
  return true;
}

/// After every event.
void World::check() const {
  if (!life_) return;
  const core::Core& core = life_->core;
  for (const core::StageView& view : core.stages()) {
    if (view.state == core::StageState::Done && !database_.is_done(view.id)) {
      throw Broken{"a stage is done without a durable result: " + view.id};
    }
    if (view.state == core::StageState::Running && !core.knows_gang(view.gang)) {
      throw Broken{"a stage runs on a gang that is not there: " + view.id};
    }
  }
  if (life_->engine.pending().size() > 8 * core.stages().size() + 64) {
    throw Broken{"what waits for the database grows without bound"};
  }
}

void World::check_end() const {
  for (const std::string& stage : poison_) {
    if (database_.is_done(stage)) throw Broken{"a stage that always fails has a result: " + stage};
  }
  if (swarm_.tight_budget) return;
  if (!all_as_expected()) throw Broken{"a stage was lost"};
}

}  // namespace reprise::simulation
