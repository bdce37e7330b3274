#include "orchestrator/metrics.h"

#include <gtest/gtest.h>

#include "tests/orchestrator/core_plan.h"

namespace reprise {
namespace {

TEST(MetricsTest, CountsStagesAndGangsAndEscapesLabels) {
  sweep::Plan plan;
  plan.study = "s";
  plan.stages = {core::make_stage("a", 10), core::make_stage("b", 1, {"a"})};
  plan.stages[0].label = "x\"\\\ny";
  core::Core core(plan, {}, {});
  core.handle(0, core::Start{});
  core.handle(1, core::GangConnected{core.gangs().at(0).name, "host", 1});
  std::vector<StageStatus> all(2);
  for (std::size_t i = 0; i < 2; ++i) {
    all[i].stage = &plan.stages[i];
    all[i].state = core::to_string(core.stages()[i].state);
    all[i].gang = core.stages()[i].gang;
  }
  all[0].progress = 3;
  all[0].progress_end = 12;
  Counters counters;
  counters.messages = {1, 2, 3, 4};
  counters.commits = 5;
  counters.started_ms = 500;
  const std::string text = metrics_text(core, all, counters, 2000);
  for (const char* line :
       {"reprise_stages{state=\"running\"} 1\n", "reprise_stages{state=\"blocked\"} 1\n",
        "reprise_gangs{state=\"busy\"} 1\n", "reprise_gangs_connected 1\n",
        "reprise_stage_progress_ratio{stage=\"a\",label=\"x\\\"\\\\\\ny\",gang=\"local-0\"} 0.25\n",
        "reprise_messages_total{type=\"failure\"} 4\n", "reprise_commits_total 5\n",
        "reprise_uptime_seconds 1.5\n", "# TYPE reprise_commits_total counter\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  EXPECT_EQ(text.find("reprise_resident_bytes 0\n"), std::string::npos);
}

}  // namespace
}  // namespace reprise
