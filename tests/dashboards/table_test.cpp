#include "dashboards/table.h"

#include <gtest/gtest.h>

namespace reprise::dashboards {
namespace {

Row row(const std::string& label, double psnr, double fid, bool reference = false) {
  return {.label = label, .reference = reference, .cells = {summarise({psnr}), summarise({fid})}};
}

}  // namespace

TEST(Table, SummarisesWithThePopulationDeviation) {
  const Cell cell = summarise({1, 3});
  EXPECT_DOUBLE_EQ(*cell.mean, 2);
  EXPECT_DOUBLE_EQ(cell.std, 1);
  EXPECT_EQ(cell.count, 2U);
  EXPECT_FALSE(summarise({}).mean);
}

TEST(Table, RanksEveryColumnInItsOwnDirectionWithoutTheReference) {
  Table table{.name = "t", .title = "t", .columns = {"PSNR", "FID"}, .rows = {}};
  table.rows = {row("HR", 99, 0, true), row("a", 30, 5), row("b", 31, 9), row("c", 29, 7)};
  rank_columns(table);
  EXPECT_EQ(table.rows[0].cells[0].rank, Rank::None);
  EXPECT_EQ(table.rows[1].cells[0].rank, Rank::Second);
  EXPECT_EQ(table.rows[2].cells[0].rank, Rank::Best);
  EXPECT_EQ(table.rows[3].cells[0].rank, Rank::None);
  EXPECT_EQ(table.rows[1].cells[1].rank, Rank::Best);
  EXPECT_EQ(table.rows[3].cells[1].rank, Rank::Second);
}

TEST(Table, CellsThatPrintAlikeShareTheirMark) {
  Table table{.name = "t", .title = "t", .columns = {"PSNR", "FID"}, .rows = {}};
  table.rows = {row("a", 30.001, 1), row("b", 30.002, 1), row("c", 29, 1)};
  rank_columns(table);
  EXPECT_EQ(table.rows[0].cells[0].rank, Rank::Best);
  EXPECT_EQ(table.rows[1].cells[0].rank, Rank::Best);
  EXPECT_EQ(table.rows[2].cells[0].rank, Rank::Second);
}

}  // namespace reprise::dashboards
