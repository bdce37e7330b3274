#include "dashboards/report.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>

#include "dashboards/deviations.h"
#include "dashboards/render.h"
#include "dashboards/render_markup.h"

namespace reprise::dashboards {
namespace {

constexpr const char* kStyle =
#include "report_style.inc"
    ;

constexpr std::size_t kShortId = 12;

/// One table of texts; the cells become safe here.
class Grid {
 public:
  explicit Grid(const std::vector<std::string>& head) { row("thead", "th", head); }
  void add(const std::vector<std::string>& cells) { row("", "td", cells); }
  [[nodiscard]] std::string html() const {
    return "<table class=\"facts\">\n" + text_ + "</table>\n";
  }

 private:
  void row(const std::string& around, const std::string& tag,
           const std::vector<std::string>& cells) {
    std::string line;
    for (const std::string& cell : cells)
      line += fmt::format("<{0}>{1}</{0}>", tag, html_text(cell));
    line = "<tr>" + line + "</tr>";
    text_ += around.empty() ? line + "\n" : fmt::format("<{0}>{1}</{0}>\n", around, line);
  }
  std::string text_;
};

std::string section(const std::string& id, const std::string& title, const std::string& body) {
  return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n", id, html_text(title),
                     body);
}

std::string paragraph(const std::string& text) { return "<p>" + html_text(text) + "</p>\n"; }

std::string duration(double seconds) {
  if (seconds < 120) return fmt::format("{:.1f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.1f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string joined(const std::set<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string overview(const ReportInput& input) {
  std::size_t published = 0;
  std::size_t measured = 0;
  for (const Table& table : input.tables) {
    const ValueDeviation deviation = value_deviation(table);
    published += deviation.published;
    measured += deviation.measured;
  }
  std::size_t done = 0;
  for (const StageCost& cost : input.costs.stages) done += cost.done ? 1U : 0U;
  std::string text = paragraph(
      fmt::format("{} of the paper's {} cells have a value. {} of {} stages of the study {} "
                  "are done, for {} trials.",
                  measured, published, done, input.costs.stages.size(), input.plan->study,
                  input.plan->trials.size()));
  if (done < input.costs.stages.size()) text += paragraph("The rest: " + input.command);
  return text +
         "<nav><a href=\"#tables\">Tables</a> <a href=\"#figures\">Figures</a> "
         "<a href=\"#deviations\">Deviations from the paper</a> <a href=\"#cost\">Cost</a> "
         "<a href=\"#provenance\">Provenance</a></nav>\n";
}

std::string tables_of(const ReportInput& input) {
  std::string text = paragraph(
      "Mean(std) over all test slices; in grey the paper's value and ours minus the paper's. Red: "
      "best, blue: second best, *: better than HR. Table 10: red better, green worse than the "
      "baseline.");
  for (const Table& table : input.tables) {
    text += "<div class=\"block\">\n" + render(table, Format::Html, true) + "</div>\n";
  }
  return text;
}

std::string base64(const std::string& bytes) {
  std::vector<unsigned char> text(4 * ((bytes.size() + 2) / 3) + 1);
  const int size =
      EVP_EncodeBlock(text.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  return {text.begin(), text.begin() + size};
}

std::string figures_of(const ReportInput& input) {
  std::string text;
  for (const ReportFigure& figure : input.figures) {
    text += fmt::format("<figure><img alt=\"{}\" src=\"data:image/svg+xml;base64,{}\"></figure>\n",
                        html_text(figure.title), base64(figure.svg));
  }
  for (const std::string& title : input.undrawn)
    text += paragraph(title + ": nothing measured yet.");
  return text;
}

std::string deviations_of(const ReportInput& input) {
  Grid values({"Table", "Published", "Measured", "Within the paper's std", "Largest difference"});
  for (const Table& table : input.tables) {
    const ValueDeviation each = value_deviation(table);
    values.add({each.title, std::to_string(each.published), std::to_string(each.measured),
                fmt::format("{} of {}", each.within_std, each.with_std), each.largest});
  }
  Grid setup({"Stages", "Setting", "Paper", "Here", "How many"});
  const std::vector<SetupDeviation> all = setup_deviations(*input.plan);
  for (const SetupDeviation& each : all) {
    setup.add({each.kind, each.key, each.paper, joined(each.here), std::to_string(each.stages)});
  }
  Grid data({"Data set", "Made by", "Contents"});
  for (const ReportDataset& each : input.datasets)
    data.add({each.name, each.recipe, each.contents});
  return "<h3>Values</h3>\n" + values.html() + "<h3>Settings</h3>\n" +
         (all.empty() ? paragraph("All settings are the paper's.") : setup.html()) +
         "<h3>Data</h3>\n" + data.html();
}

std::string cost_of(const ReportInput& input) {
  struct Sum {
    std::size_t stages = 0, done = 0;
    int attempts = 0;
    double seconds = 0, lost = 0;
  };
  std::map<std::string, Sum> kinds;
  for (const StageCost& cost : input.costs.stages) {
    Sum& sum = kinds[std::string(sweep::to_string(cost.stage->kind))];
    ++sum.stages;
    sum.done += cost.done ? 1U : 0U;
    sum.attempts += cost.attempts;
    sum.seconds += cost.seconds;
    sum.lost += cost.lost_seconds;
  }
  Grid grid({"Kind", "Stages", "Done", "Attempts", "Device time", "Lost"});
  for (const auto& [kind, sum] : kinds) {
    grid.add({kind, std::to_string(sum.stages), std::to_string(sum.done),
              std::to_string(sum.attempts), duration(sum.seconds), duration(sum.lost)});
  }
  const Costs& costs = input.costs;
  const auto times = [&](double alone) { return costs.spent > 0 ? alone / costs.spent : 1.0; };
  return grid.html() +
         paragraph(fmt::format("Device time of all finished stages: {}; of attempts that came to "
                               "nothing: {}. Had every "
                               "table run its stages itself: {} ({:.2f} times as much); every "
                               "trial: {} ({:.2f} times).",
                               duration(costs.spent), duration(costs.lost),
                               duration(costs.each_table_alone), times(costs.each_table_alone),
                               duration(costs.each_trial_alone), times(costs.each_trial_alone)));
}

std::string provenance_of(const ReportInput& input) {
  Grid data({"Data set", "Content digest (SHA-256)"});
  for (const ReportDataset& each : input.datasets) data.add({each.name, each.digest});
  std::map<std::vector<std::string>, std::pair<std::size_t, double>> places;
  Grid stages({"Stage", "Kind", "What", "Data set", "Steps", "Attempts", "Device time", "Host"});
  std::set<std::string> seeds;
  for (const StageCost& cost : input.costs.stages) {
    const sweep::Stage& stage = *cost.stage;
    if (const auto* seed = stage.config.if_contains("seed")) {
      seeds.insert(boost::json::serialize(*seed));
    }
    stages.add({stage.id.substr(0, kShortId), std::string(sweep::to_string(stage.kind)),
                stage.label, stage.dataset, std::to_string(stage.steps),
                std::to_string(cost.attempts), cost.done ? duration(cost.seconds) : "not done",
                cost.host});
    if (!cost.done) continue;
    auto& place = places[{cost.host, cost.device, std::to_string(cost.ranks), cost.torch}];
    ++place.first;
    place.second += cost.seconds;
  }
  Grid where({"Host", "Device", "Ranks", "LibTorch", "Stages", "Device time"});
  for (const auto& [place, sum] : places) {
    where.add(
        {place[0], place[1], place[2], place[3], std::to_string(sum.first), duration(sum.second)});
  }
  std::string text =
      paragraph("Written by reprise " + input.version + ". Seeds: " + joined(seeds) + ".");
  text += "<h3>Data</h3>\n" + data.html() + "<h3>Machines</h3>\n" + where.html();
  text += "<h3>Stages</h3>\n" + stages.html();
  return text + "<details class=\"screen\"><summary>The study</summary><pre>" +
         html_text(input.study_text) + "</pre></details>\n";
}

}  // namespace

std::string report_page(const ReportInput& input) {
  const std::string title = "Report of " + input.plan->study;
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{0}</title>\n"
      "<style>\n{1}</style>\n</head>\n<body>\n<h1>{0}</h1>\n{2}{3}{4}{5}{6}{7}</body>\n</html>\n",
      html_text(title), kStyle, overview(input), section("tables", "Tables", tables_of(input)),
      section("figures", "Figures", figures_of(input)),
      section("deviations", "Deviations from the paper", deviations_of(input)),
      section("cost", "Cost", cost_of(input)),
      section("provenance", "Provenance", provenance_of(input)));
}

}  // namespace reprise::dashboards
