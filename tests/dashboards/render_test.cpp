#include "dashboards/render.h"

#include <gtest/gtest.h>

#include "sweep/error.h"

namespace reprise::dashboards {
namespace {

Table sample() {
  Table table{.name = "t", .title = "A title", .columns = {"PSNR", "Dice-T"}, .rows = {}};
  Cell missing;
  missing.missing = "evaluate b is not done";
  table.rows = {{"a", false, {summarise({30, 31}), summarise({0.9, 0.91})}},
                {"b, c", false, {missing, missing}}};
  table.rows[0].cells[0].paper = "33.06(3.3)";
  table.rows[0].cells[0].paper_mean = 33.06;
  rank_columns(table);
  return table;
}

}  // namespace

TEST(Render, PrintsInThePapersPrecision) {
  EXPECT_EQ(cell_text("PSNR", summarise({29.85, 35.25})), "32.55(2.7)");
  EXPECT_EQ(cell_text("SSIM", summarise({0.9, 0.91})), "0.9050(0.0050)");
  EXPECT_EQ(cell_text("PSNR", summarise({10, 60})), "35.00(25)");
  // Two digits of what is printed: the same for 0.01 and what rounds to it.
  EXPECT_EQ(cell_text("SSIM", summarise({0.90, 0.92})), "0.9100(0.010)");
  EXPECT_EQ(cell_text("SSIM", summarise({0.90002, 0.91998})), "0.9100(0.010)");
  EXPECT_EQ(cell_text("PSNR", summarise({30, 31.996})), "31.00(1.0)");
  EXPECT_EQ(cell_text("PSNR", Cell{}), "");
}

TEST(Render, MarkdownMarksRanksAndNamesWhatIsMissing) {
  EXPECT_EQ(render(sample(), Format::Markdown, true),
            "A title\n\n"
            "| Mean(std) | PSNR                                | Dice-T             |\n"
            "|-----------|-------------------------------------|--------------------|\n"
            "| a         | **30.50(0.50)** [33.06(3.3); -2.56] | **0.9050(0.0050)** |\n"
            "| b, c      | ?                                   | ?                  |\n"
            "\n[x; d]: the paper's value, and ours minus it.\n"
            "\nMissing:\n- evaluate b is not done\n");
}

TEST(Render, CsvQuotesWhatNeedsIt) {
  EXPECT_NE(render(sample(), Format::Csv, false).find("A title,\"b, c\",PSNR,PSNR,,,0,,,,,"),
            std::string::npos);
}

TEST(Render, LatexAndHtmlEscapeTheirOwnCharacters) {
  Table table = sample();
  table.title = "50% & <b>";
  const std::string latex = render(table, Format::Latex, true);
  EXPECT_NE(latex.find("\\caption{50\\% \\& <b>}"), std::string::npos) << latex;
  EXPECT_NE(latex.find("a & \\textcolor{red}{\\textbf{30.50(0.50)}} [33.06(3.3); -2.56]"),
            std::string::npos)
      << latex;
  const std::string html = render(table, Format::Html, false);
  EXPECT_NE(html.find("<caption>50% &amp; &lt;b&gt;</caption>"), std::string::npos) << html;
  EXPECT_NE(html.find("<td title=\"evaluate b is not done\">?</td>"), std::string::npos) << html;
}

TEST(Render, AnUnknownFormatIsRefusedWithAHint) {
  EXPECT_THROW((void)format_from("latx"), Error);
  EXPECT_EQ(format_from("md"), Format::Markdown);
}

}  // namespace reprise::dashboards
