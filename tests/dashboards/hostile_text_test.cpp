/// Names that are really scripts: whatever a study, a host or an error calls itself, a page that
/// shows it has the tags that it has for a harmless name.

#include <gtest/gtest.h>

#include <algorithm>

#include "dashboards/render.h"
#include "dashboards/report.h"

namespace reprise::dashboards {
namespace {

/// Ways into a page, each alone, after a quote and after a closed tag.
std::vector<std::string> payloads() {
  const std::vector<std::string> scripts{"<script>alert(1)</script>",
                                         "<img src=x onerror=alert(1)>",
                                         "<svg onload=alert(1)>",
                                         "<svg/onload=alert(1)>",
                                         "<iframe src=javascript:alert(1)>",
                                         "<a href=\"javascript:alert(1)\">x</a>",
                                         "<body onload=alert(1)>",
                                         "<details open ontoggle=alert(1)>",
                                         "<input autofocus onfocus=alert(1)>",
                                         "<style>*{background:url(//evil.example)}</style>",
                                         "<link rel=stylesheet href=//evil.example>",
                                         "<base href=//evil.example>",
                                         "<meta http-equiv=refresh content=0;//evil.example>",
                                         "<object data=//evil.example>",
                                         "<math><mtext></table><img src=x onerror=alert(1)>",
                                         "<!--><img src=x onerror=alert(1)>",
                                         "<![CDATA[><img src=x onerror=alert(1)>]]>",
                                         "onmouseover=alert(1) x=",
                                         "&lt;script&gt;alert(1)&lt;/script&gt;",
                                         "&#60;script&#62;alert(1)"};
  std::vector<std::string> all;
  for (const std::string& script : scripts) {
    all.push_back(script);
    all.push_back("\">" + script);
    all.push_back("' \" --></td></style></title>" + script);
  }
  return all;
}

/// How often each character that makes structure is there; an entity's "&" is none.
std::array<std::ptrdiff_t, 3> structure(const std::string& page) {
  return {std::count(page.begin(), page.end(), '<'), std::count(page.begin(), page.end(), '>'),
          std::count(page.begin(), page.end(), '"')};
}

Table table_of(const std::string& text) {
  Cell missing;
  missing.missing = text;
  missing.metric = text;
  missing.trial = text;
  Cell measured = summarise({1, 2});
  measured.paper = text;
  measured.paper_mean = 1;
  Table table{.name = text, .title = text, .columns = {text}, .rows = {}};
  table.rows = {{text, false, {missing}}, {text, true, {measured}}};
  return table;
}

std::string page_of(const std::string& text) {
  sweep::Plan plan;
  plan.study = text;
  plan.title = text;
  sweep::Stage stage;
  stage.kind = sweep::StageKind::Pretrain;
  stage.id = std::string(64, 'e');
  stage.label = text;
  stage.dataset = text;
  stage.config = {{"seed", 1}, {"note", text}};
  plan.stages.push_back(stage);
  plan.trials.push_back({text, text, {{"pretrain", stage.id}}});
  ReportInput input;
  input.plan = &plan;
  input.study_text = text;
  input.version = text;
  input.command = text;
  input.tables = {table_of(text)};
  input.figures = {{text, "<svg/>"}};
  input.undrawn = {text};
  input.datasets = {{text, text, text, text}};
  input.costs.stages.push_back({.stage = &plan.stages[0],
                                .done = true,
                                .attempts = 1,
                                .seconds = 1,
                                .host = text,
                                .device = text,
                                .torch = text,
                                .ranks = 1});
  return report_page(input);
}

TEST(HostileText, MakesNoTagsInAReport) {
  const auto wanted = structure(page_of("harmless"));
  EXPECT_GT(wanted[0], 100);
  EXPECT_EQ(payloads().size(), 60U);
  for (const std::string& payload : payloads()) {
    EXPECT_EQ(structure(page_of(payload)), wanted) << payload;
  }
}

TEST(HostileText, MakesNoTagsInATable) {
  const auto wanted = structure(render(table_of("harmless"), Format::Html, true));
  for (const std::string& payload : payloads()) {
    const std::string html = render(table_of(payload), Format::Html, true);
    EXPECT_EQ(structure(html), wanted) << payload << "\n" << html;
  }
}

}  // namespace
}  // namespace reprise::dashboards
