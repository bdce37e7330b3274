// A finished database whose results are the paper's own values gives the paper's ten tables back:
// every cell filled, marked as published, in every format.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "dashboards/coverage.h"
#include "dashboards/paper.h"
#include "dashboards/render.h"
#include "dashboards/table.h"
#include "db/store.h"
#include "sweep/study.h"
#include "tests/support/temp_dir.h"

namespace reprise::dashboards {
namespace {

namespace json = boost::json;

/// A line of dashboards/paper-tables.csv.
struct Published {
  std::string table, row, column;
  bool beats_hr = false;
};

std::vector<Published> published_cells() {
  std::ifstream file(std::filesystem::path(REPRISE_SOURCE_DIR) / "dashboards/paper-tables.csv");
  std::vector<Published> all;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    Published cell;
    std::string mean, std, beats;
    std::getline(fields, cell.table, ',');
    std::getline(fields, cell.row, ',');
    std::getline(fields, cell.column, ',');
    std::getline(fields, mean, ',');
    std::getline(fields, std, ',');
    std::getline(fields, beats, ',');
    cell.beats_hr = !beats.empty();
    all.push_back(std::move(cell));
  }
  return all;
}

/// Stage to metric to what it comes to. Tables that share a stage print the same number.
using Values = std::map<std::string, std::map<std::string, PaperValue>>;

Values papers_values(const sweep::Plan& plan) {
  Values values;
  for (const CellSource& cell : cell_sources(plan)) {
    values[cell.stage].try_emplace(cell.metric, *paper_value(cell.table, cell.row, cell.column));
  }
  return values;
}

/// Two slices, one standard deviation above the mean and one below.
json::object evaluation(const std::map<std::string, PaperValue>& metrics) {
  json::object columns;
  for (const auto& [metric, value] : metrics) {
    const double std = value.std.value_or(0);
    columns[metric] = json::array{value.mean - std, value.mean + std};
  }
  return {{"artifacts", json::object{}},
          {"scalars", {{"evaluate_seconds", 1.0}}},
          {"curve", json::array{}},
          {"rows",
           {{"subjects", {"one"}},
            {"subject", json::array{0, 0}},
            {"slice", json::array{0, 1}},
            {"values", std::move(columns)}}},
          {"provenance", {{"host", "h"}}}};
}

json::object of_no_slices(const std::map<std::string, PaperValue>& metrics) {
  json::object scalars{{"loss", 0.02}};
  for (const auto& [metric, value] : metrics) scalars[metric] = value.mean;
  return {{"artifacts", json::object{}},
          {"scalars", std::move(scalars)},
          {"curve", json::array{}},
          {"provenance", {{"host", "h"}}}};
}

/// A cell's mean as it is printed.
std::string mean_text(Cell cell) {
  cell.count = 0;  // As of one number a stage, without a deviation.
  return cell_text("", cell);
}

class Filled : public ::testing::TestWithParam<const char*> {
 protected:
  Filled() {
    const auto folder = std::filesystem::path(REPRISE_SOURCE_DIR) / "studies" / GetParam();
    const sweep::Study study = sweep::load_study(folder);
    std::map<std::string, std::string> digests;
    for (const auto& spec : study.datasets) digests[spec.name] = "pending:" + spec.name;
    const sweep::Plan plan = sweep::make_plan(study, digests);
    values_ = papers_values(plan);
    {
      db::Store store(file_, db::Access::ReadWrite);
      store.put_plan(plan, study.text);
      store.group([&] {
        for (const sweep::Stage& stage : plan.stages) finish(store, stage);
      });
    }
    store_ = std::make_unique<db::Store>(file_, db::Access::ReadOnly);
    plan_ = *store_->plan(plan.study);
    for (const Definition& definition : paper_tables()) {
      for (Table& table : build_tables(store_.get(), definition, plan_, "reprise run it")) {
        tables_.push_back(std::move(table));
      }
    }
  }

  void finish(db::Store& store, const sweep::Stage& stage) {
    const auto fence = store.begin_attempt(stage.id, "gang", "host", "cpu", 1);
    const bool sliced = stage.kind == sweep::StageKind::Evaluate;
    const auto& metrics = values_[stage.id];
    ASSERT_TRUE(
        store.commit_result(stage.id, fence, sliced ? evaluation(metrics) : of_no_slices(metrics)));
  }

  reprise::testing::TempDir folder_;
  std::filesystem::path file_ = folder_.path() / "reprise.db";
  Values values_;
  std::unique_ptr<db::Store> store_;
  sweep::Plan plan_;
  std::vector<Table> tables_;
};

TEST_P(Filled, EveryCellOfThePaperHasItsValueAgain) {
  std::size_t cells = 0;
  for (const Table& table : tables_) {
    for (const Row& row : table.rows) {
      for (const Cell& cell : row.cells) {
        EXPECT_EQ(cell.missing, "") << table.title << " " << row.label;
        if (cell.paper.empty()) continue;
        ++cells;
        ASSERT_TRUE(cell.mean) << table.title << ", " << row.label << ": " << cell.metric;
        const PaperValue& given = values_.at(cell.stage).at(cell.metric);
        // Counted of the study's own networks: the paper's only where these are.
        const bool counted = cell.metric == "MACs(G)" || cell.metric == "params(M)";
        if (counted && std::string(GetParam()) != "paper") {
          EXPECT_GT(*cell.mean, 0) << table.title;
          EXPECT_LT(*cell.mean, given.mean) << table.title;
          continue;
        }
        EXPECT_NEAR(*cell.mean, given.mean, counted ? 0.015 : 1e-9) << table.title;
        if (given.std) {
          EXPECT_EQ(cell_text("", cell), given.text) << table.title << ", " << row.label;
        }
      }
    }
  }
  EXPECT_EQ(cells, 626U);
}

TEST_P(Filled, CellsThatThePaperSawAboveHrAreMarked) {
  std::set<std::string> wanted;
  for (const Published& cell : published_cells()) {
    if (cell.beats_hr) wanted.insert(cell.table + "|" + cell.row + "|" + cell.column);
  }
  EXPECT_FALSE(wanted.empty());
  std::set<std::string> marked;
  for (const Definition& definition : paper_tables()) {
    const auto tables = build_tables(store_.get(), definition, plan_, "");
    for (std::size_t b = 0; b < tables.size(); ++b) {
      const Block& block = definition.blocks[b];
      for (std::size_t r = 0; r < block.rows.size(); ++r) {
        for (std::size_t c = 0; c < block.columns.size(); ++c) {
          const Cell& cell = tables[b].rows[r].cells[c];
          if (!cell.above_reference) continue;
          marked.insert(definition.number + "|" + block.rows[r].paper + "|" +
                        block.columns[c].paper);
        }
      }
    }
  }
  EXPECT_EQ(marked, wanted);
}

TEST_P(Filled, TheBestOfEveryColumnIsMarkedAndTheSecondBest) {
  const auto rank_of = [&](const std::string& name, const std::string& label,
                           const std::string& column) {
    for (const Table& table : tables_) {
      if (table.name != name) continue;
      const auto at = std::find(table.columns.begin(), table.columns.end(), column);
      for (const Row& row : table.rows) {
        if (row.label == label && at != table.columns.end()) {
          return row.cells[static_cast<std::size_t>(at - table.columns.begin())].rank;
        }
      }
    }
    ADD_FAILURE() << "no cell " << name << " " << label << " " << column;
    return Rank::None;
  };
  EXPECT_EQ(rank_of("table1", "RDST", "PSNR"), Rank::Best);
  EXPECT_EQ(rank_of("table1", "RDST-E", "PSNR"), Rank::Second);
  EXPECT_EQ(rank_of("table1", "SwinIR", "PSNR"), Rank::None);
  // Table 5: the fewest MACs and the highest FPS are marked, not only the highest PSNR.
  EXPECT_EQ(rank_of("table5", "EDSR-lite", "FPS"), Rank::Best);
  EXPECT_EQ(rank_of("table5", "EDSR", "params(M)"), Rank::None);
  for (const Table& table : tables_) {
    if (table.between_columns || table.name == "table10") continue;
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
      // Best is what prints as the best does: the paper marks both of two equal cells.
      std::map<double, std::vector<const Cell*>> cells;
      for (const Row& row : table.rows) {
        const Cell& cell = row.cells[column];
        if (row.reference || !cell.mean) continue;
        const bool less = smaller_is_better(cell.metric);
        cells[less ? -*cell.mean : *cell.mean].push_back(&cell);
      }
      if (cells.size() < 2) continue;
      const std::string best = mean_text(*cells.rbegin()->second.front());
      for (const auto& [value, equals] : cells) {
        for (const Cell* cell : equals) {
          EXPECT_EQ(cell->rank == Rank::Best, mean_text(*cell) == best)
              << table.title << " " << table.columns[column] << " " << value;
        }
      }
    }
  }
}

TEST_P(Filled, EveryFormatHoldsEveryCellBesideThePapers) {
  const std::string markdown = render(tables_, Format::Markdown, true);
  EXPECT_EQ(markdown.find("Missing:"), std::string::npos);
  EXPECT_EQ(markdown.find("?"), std::string::npos);
  EXPECT_NE(markdown.find("**33.42(3.7)** [33.42(3.7); +0.00]"), std::string::npos);
  EXPECT_NE(markdown.find("_33.26(3.4)_ [33.26(3.4); +0.00]"), std::string::npos);

  std::istringstream csv(render(tables_, Format::Csv, true));
  std::string line;
  std::getline(csv, line);
  EXPECT_EQ(line, "table,row,column,metric,mean,std,count,rank,paper,difference,trial,missing");
  std::size_t rows = 0;
  while (std::getline(csv, line)) {
    EXPECT_EQ(line.back(), ',') << "something is missing: " << line;
    ++rows;
  }

  std::size_t cells = 0;
  std::size_t beside = 0;
  const json::value parsed = json::parse(render(tables_, Format::Json, true));
  for (const json::value& table : parsed.as_array()) {
    for (const json::value& item : table.at("cells").as_array()) {
      const json::object& cell = item.as_object();
      ++cells;
      EXPECT_FALSE(cell.contains("missing")) << json::serialize(cell);
      if (!cell.contains("paper")) continue;
      ++beside;
      ASSERT_TRUE(cell.contains("difference")) << json::serialize(cell);
    }
  }
  EXPECT_EQ(beside, 626U);
  EXPECT_EQ(cells, rows);

  for (const Format format : {Format::Latex, Format::Html}) {
    const std::string text = render(tables_, format, true);
    std::size_t differences = 0;
    for (auto at = text.find("; +"); at != std::string::npos; at = text.find("; +", at + 1)) {
      ++differences;
    }
    for (auto at = text.find("; -"); at != std::string::npos; at = text.find("; -", at + 1)) {
      ++differences;
    }
    EXPECT_EQ(differences, 626U);
    EXPECT_EQ(text.find("is not done"), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, Filled, ::testing::Values("paper", "mini"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace reprise::dashboards
