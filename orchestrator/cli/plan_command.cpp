/// `reprise plan`: what a study comes to before anything runs.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <future>
#include <unordered_set>
#include <vector>

#include "dashboards/coverage.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/opened_study.h"
#include "orchestrator/cli/units.h"
#include "sweep/accounting.h"
#include "sweep/cost_book.h"
#include "sweep/printable.h"

namespace reprise::cli {
namespace {

namespace json = boost::json;
using sweep::CostBasis;

struct PlanFlags {
  StudyOptions study;
  std::string device;  ///< Empty: what was measured last, else a GPU.
  bool json = false, cells = false, stages = false;
};

struct StageLine {
  bool is_done = false;
  sweep::CostEstimate cost;
};

struct Summary {
  std::vector<StageLine> stages;  ///< In the order of the plan.
  sweep::Setting setting;
  std::map<sweep::CostBasis, std::size_t> bases;  ///< How many stages' costs are known how.
  sweep::StepCounts steps;
  std::int64_t steps_left = 0;
  std::map<std::string, std::pair<int, int>> kinds;  ///< Kind to distinct and done stages.
  std::size_t done = 0;
  double hours = 0, hours_left = 0, critical_hours = 0;
  std::int64_t weight_bytes = 0, checkpoint_bytes_max = 0;
  std::vector<dashboards::CellSource> cells;
  std::size_t cells_covered = 0;
};

/// What the database knows, for the device that was asked for or measured last.
sweep::CostBook costs_of(const Opened& opened, const std::string& device, sweep::Setting& setting) {
  std::vector<sweep::CostSample> samples;
  if (opened.store) samples = opened.store->cost_samples();
  if (!device.empty()) {
    std::erase_if(samples, [&](const auto& sample) { return sample.setting.device != device; });
  }
  const sweep::Setting unmeasured{.device = device.empty() ? "cuda" : device, .threads = 1};
  setting = sweep::newest_setting(samples).value_or(unmeasured);
  return {samples, setting};
}

Summary summarise(const Opened& opened, const std::string& device) {
  Summary summary;
  auto steps =
      std::async(std::launch::async, [&] { return sweep::count_steps(opened.study, opened.plan); });
  sweep::CostBook costs = costs_of(opened, device, summary.setting);
  std::unordered_set<std::string> done;
  if (opened.store) done = opened.store->all_done();
  std::vector<double> hours_left;  // Of the stages, in the plan's order.
  hours_left.reserve(opened.plan.stages.size());
  for (const sweep::Stage& stage : opened.plan.stages) {
    const StageLine& line =
        summary.stages.emplace_back(done.contains(stage.id), costs.estimate(stage));
    auto& kind = summary.kinds[std::string(sweep::to_string(stage.kind))];
    ++kind.first;
    kind.second += line.is_done ? 1 : 0;
    summary.done += line.is_done ? 1U : 0U;
    ++summary.bases[line.cost.basis];
    const double hours = line.cost.device_seconds() / 3600;
    summary.hours += hours;
    hours_left.push_back(line.is_done ? 0 : line.cost.seconds / 3600);
    if (!line.is_done) summary.hours_left += hours;
    if (!line.is_done && sweep::is_training(stage.kind)) summary.steps_left += stage.steps;
    const std::int64_t weights = costs.model().weight_bytes(stage);
    summary.weight_bytes += weights;
    summary.checkpoint_bytes_max =
        std::max(summary.checkpoint_bytes_max, sweep::checkpoint_bytes(stage, weights));
  }
  summary.critical_hours = sweep::longest_chain(opened.plan, [&](const sweep::Stage& stage) {
    return hours_left[static_cast<std::size_t>(&stage - opened.plan.stages.data())];
  });
  summary.steps = steps.get();
  summary.cells = dashboards::cell_sources(opened.plan);
  summary.cells_covered =
      static_cast<std::size_t>(std::count_if(summary.cells.begin(), summary.cells.end(),
                                             [](const auto& cell) { return !cell.stage.empty(); }));
  return summary;
}

const char* basis_name(CostBasis basis) {
  switch (basis) {
    case CostBasis::Measured:
      return "measured";
    case CostBasis::Scaled:
      return "scaled";
    case CostBasis::Modelled:
      break;
  }
  return "modelled";
}

std::size_t count(const Summary& summary, CostBasis basis) {
  const auto found = summary.bases.find(basis);
  return found == summary.bases.end() ? 0 : found->second;
}

double ratio(std::int64_t all, std::int64_t shared) {
  return shared == 0 ? 1.0 : static_cast<double>(all) / static_cast<double>(shared);
}

std::string gigabytes(std::int64_t bytes) {
  return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
}

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

json::array cells_json(const Summary& summary) {
  json::array cells;
  for (const dashboards::CellSource& cell : summary.cells) {
    cells.push_back({{"table", cell.table},
                     {"row", cell.row},
                     {"column", cell.column},
                     {"metric", cell.metric},
                     {"trial", cell.trial},
                     {"stage", cell.stage},
                     {"covered", !cell.stage.empty()}});
  }
  return cells;
}

void print_json(const Opened& opened, const Summary& summary, bool cells) {
  json::array stages;
  for (std::size_t i = 0; i < opened.plan.stages.size(); ++i) {
    const sweep::Stage& stage = opened.plan.stages[i];
    const StageLine& line = summary.stages[i];
    stages.push_back({{"id", stage.id},
                      {"kind", sweep::to_string(stage.kind)},
                      {"label", stage.label},
                      {"steps", stage.steps},
                      {"done", line.is_done},
                      {"seconds", line.cost.seconds},
                      {"ranks", line.cost.ranks},
                      {"cost", basis_name(line.cost.basis)}});
  }
  json::object out{
      {"study", opened.study.name},
      {"trials", opened.plan.trials.size()},
      {"stages", std::move(stages)},
      {"stages_distinct", opened.plan.stages.size()},
      {"stages_done", summary.done},
      {"steps_every_table_alone", summary.steps.every_table_alone},
      {"steps_every_run_once", summary.steps.every_run_once},
      {"steps_shared", summary.steps.shared},
      {"steps_left", summary.steps_left},
      {"ratio_every_table_alone", ratio(summary.steps.every_table_alone, summary.steps.shared)},
      {"ratio_every_run_once", ratio(summary.steps.every_run_once, summary.steps.shared)},
      {"device_hours", summary.hours},
      {"device_hours_left", summary.hours_left},
      {"critical_path_hours", summary.critical_hours},
      {"costs",
       {{"device", summary.setting.device},
        {"threads", summary.setting.threads},
        {"measured", count(summary, CostBasis::Measured)},
        {"scaled", count(summary, CostBasis::Scaled)},
        {"modelled", count(summary, CostBasis::Modelled)}}},
      {"weight_bytes", summary.weight_bytes},
      {"checkpoint_bytes_per_stage_max", summary.checkpoint_bytes_max},
      {"datasets_pending", json::array(opened.pending.begin(), opened.pending.end())},
      {"cells_total", summary.cells.size()},
      {"cells_covered", summary.cells_covered}};
  if (cells) out["cells"] = cells_json(summary);
  std::printf("%s\n", json::serialize(out).c_str());
}

void print_stages(const Opened& opened, const Summary& summary) {
  for (std::size_t i = 0; i < opened.plan.stages.size(); ++i) {
    const sweep::Stage& stage = opened.plan.stages[i];
    const StageLine& line = summary.stages[i];
    fmt::print("{}  {:<14}  {:>8} steps  {:>9}  {}  {}\n", stage.id.substr(0, 12),
               sweep::to_string(stage.kind), stage.steps, duration_text(line.cost.seconds),
               line.is_done ? "done" : "    ", printable(stage.label));
  }
  fmt::print("\n");
}

void print_cells(const Summary& summary) {
  for (const dashboards::CellSource& cell : summary.cells) {
    const std::string source = cell.stage.empty() ? std::string("no trial measures it")
                                                  : cell.trial + "  " + cell.stage.substr(0, 12);
    fmt::print("table {:>2}  {:<24} {:<20} {}\n", cell.table, printable(cell.row),
               printable(cell.column), source);
  }
  fmt::print("\n");
}

void print_costs(const Summary& summary) {
  const std::size_t modelled = count(summary, CostBasis::Modelled);
  const std::string model =
      summary.setting.device == "cuda" ? "modelled for an H100-class GPU" : "modelled for one core";
  if (modelled == summary.stages.size()) {
    fmt::print("  every stage's cost is {}: nothing was measured yet\n", model);
    return;
  }
  fmt::print("  costs of {} stages as measured on {} ({} CPU thread{} a rank)",
             count(summary, CostBasis::Measured), summary.setting.device, summary.setting.threads,
             summary.setting.threads == 1 ? "" : "s");
  if (const std::size_t scaled = count(summary, CostBasis::Scaled); scaled > 0) {
    fmt::print(", {} modelled and scaled by what was measured", scaled);
  }
  if (modelled > 0) fmt::print(", {} {}", modelled, model);
  fmt::print("\n");
}

void print_text(const Opened& opened, const Summary& summary, const PlanFlags& flags) {
  if (flags.cells) print_cells(summary);
  const bool list = flags.stages || (!flags.cells && opened.plan.stages.size() <= kListedMax);
  if (list) print_stages(opened, summary);
  fmt::print("{}: {} trials, {} distinct stages, {} done\n", opened.study.name,
             opened.plan.trials.size(), opened.plan.stages.size(), summary.done);
  for (const auto& [kind, counts] : summary.kinds) {
    fmt::print("  {:<16} {:>6}, {} done\n", kind, counts.first, counts.second);
  }
  const sweep::StepCounts& steps = summary.steps;
  fmt::print("training steps:\n  {:>12}  if every table ran alone    ({:.2f}x)\n",
             steps.every_table_alone, ratio(steps.every_table_alone, steps.shared));
  fmt::print("  {:>12}  if every run ran once       ({:.2f}x)\n", steps.every_run_once,
             ratio(steps.every_run_once, steps.shared));
  fmt::print("  {:>12}  after sharing stages\n  {:>12}  left\n", steps.shared, summary.steps_left);
  fmt::print("device time: {}, {} left; the longest chain {}\n",
             duration_text(summary.hours * 3600), duration_text(summary.hours_left * 3600),
             duration_text(summary.critical_hours * 3600));
  print_costs(summary);
  fmt::print("disk: {} of weights, up to {} of checkpoints for a stage while it runs\n",
             gigabytes(summary.weight_bytes), gigabytes(summary.checkpoint_bytes_max));
  fmt::print("the paper's tables: {} of {} cells covered\n", summary.cells_covered,
             summary.cells.size());
  if (!opened.pending.empty()) {
    fmt::print("not imported yet: {}; stage names above stand in for the real ones until then\n",
               joined(opened.pending));
  }
}

int show_plan(const PlanFlags& flags) {
  // Never taken apart: the program ends here, and of ten thousand trials that is a sixth of its
  // time.
  static const Opened& opened = *new Opened(open_study(flags.study));
  static const Summary& summary = *new Summary(summarise(opened, flags.device));
  if (flags.json) {
    print_json(opened, summary, flags.cells);
  } else {
    print_text(opened, summary, flags);
  }
  return 0;
}

}  // namespace

void add_plan_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<PlanFlags>();
  CLI::App* command = app.add_subcommand(
      "plan",
      "Show what a study or a folder of studies comes to: stages, sharing, cost, what is left");
  add_study_options(*command, flags->study);
  command
      ->add_option("--device", flags->device,
                   "Costs on cpu or cuda (default: where stages were measured last, else cuda)")
      ->check(CLI::IsMember({"cpu", "cuda"}));
  command->add_flag("--json", flags->json, "One JSON object instead of text");
  command->add_flag("--cells", flags->cells,
                    "Which trial and stage fill each cell of the paper's tables");
  command->add_flag("--stages", flags->stages, "List all stages, however many");
  command->callback([flags, &exit] { exit.value = show_plan(*flags); });
}

}  // namespace reprise::cli
