// The paper's 626 cells: every one has a place in a table and a trial in the paper's studies.
#include "dashboards/coverage.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "dashboards/table.h"
#include "sweep/accounting.h"
#include "sweep/study.h"

namespace reprise::dashboards {
namespace {

sweep::Study load(const std::string& folder) {
  return sweep::load_study(std::filesystem::path(REPRISE_SOURCE_DIR) / "studies" / folder);
}

sweep::Plan plan_of(const sweep::Study& study) {
  std::map<std::string, std::string> digests;
  for (const sweep::DatasetSpec& spec : study.datasets) digests[spec.name] = "pending:" + spec.name;
  return sweep::make_plan(study, digests);
}

std::string key(const std::string& table, const std::string& row, const std::string& column) {
  return table + "|" + row + "|" + column;
}

/// The published cells, read from the file itself.
std::set<std::string> published() {
  std::ifstream file(std::filesystem::path(REPRISE_SOURCE_DIR) / "dashboards/paper-tables.csv");
  std::set<std::string> cells;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    const std::size_t first = line.find(',');
    const std::size_t second = line.find(',', first + 1);
    const std::size_t third = line.find(',', second + 1);
    cells.insert(key(line.substr(0, first), line.substr(first + 1, second - first - 1),
                     line.substr(second + 1, third - second - 1)));
  }
  return cells;
}

}  // namespace

TEST(Coverage, EveryPublishedCellHasATrialInThePapersStudies) {
  const std::set<std::string> all = published();
  ASSERT_EQ(all.size(), 626U);
  for (const char* folder : {"paper", "mini"}) {
    const sweep::Study study = load(folder);
    const sweep::Plan plan = plan_of(study);
    std::set<std::string> stages;
    for (const sweep::Stage& stage : plan.stages) stages.insert(stage.id);
    std::set<std::string> seen;
    for (const CellSource& cell : cell_sources(plan)) {
      const std::string place = key(cell.table, cell.row, cell.column);
      EXPECT_TRUE(seen.insert(place).second) << place << " stands twice";
      EXPECT_TRUE(stages.contains(cell.stage)) << folder << ": " << place << " has no stage";
    }
    EXPECT_EQ(seen, all) << folder;
  }
}

TEST(Coverage, ATrialThatIsMissingIsNoticed) {
  sweep::Plan plan = plan_of(load("paper"));
  std::erase_if(plan.trials, [](const sweep::Trial& trial) { return trial.name == "table6.e3"; });
  int uncovered = 0;
  for (const CellSource& cell : cell_sources(plan)) uncovered += cell.stage.empty() ? 1 : 0;
  EXPECT_EQ(uncovered, 7);
}

TEST(Coverage, ThePapersStudiesTakeTheStepsOfTheEnumeration) {
  const sweep::Study study = load("paper");
  const sweep::StepCounts steps = sweep::count_steps(study, plan_of(study));
  EXPECT_EQ(steps.every_table_alone, 18'640'000);
  EXPECT_EQ(steps.every_run_once, 9'860'000);
  EXPECT_EQ(steps.shared, 6'660'000);
}

TEST(Coverage, AllTablesAreDrawnBeforeAnythingRanAndSayWhatIsMissing) {
  const sweep::Plan plan = plan_of(load("paper"));
  std::size_t cells = 0;
  std::size_t counted = 0;
  for (const Definition& definition : paper_tables()) {
    for (const Table& block :
         build_tables(nullptr, definition, plan, "reprise run studies/paper")) {
      for (const Row& row : block.rows) {
        for (const Cell& cell : row.cells) {
          if (cell.paper.empty()) continue;
          ++cells;
          if (cell.mean) {  // MACs and parameters are arithmetic: as the paper prints them.
            EXPECT_NEAR(*cell.mean, *cell.paper_mean, 0.015) << row.label << " " << cell.metric;
            ++counted;
            continue;
          }
          EXPECT_NE(cell.missing.find("reprise run studies/paper"), std::string::npos);
          EXPECT_NE(cell.missing.find("stage "), std::string::npos);
        }
      }
    }
  }
  EXPECT_EQ(cells, 626U);
  EXPECT_EQ(counted, 38U);
}

}  // namespace reprise::dashboards
