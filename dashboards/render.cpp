#include "dashboards/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "dashboards/render_markup.h"
#include "sweep/error.h"
#include "sweep/nearest.h"
#include "sweep/printable.h"

namespace reprise::dashboards {
namespace {

std::string std_text(double std) {
  if (!(std > 0)) return "0";
  // Of what is printed, so that 0.00999 is "0.010" as 0.01 is.
  const int magnitude = std::stoi(fmt::format("{:.1e}", std).substr(4));
  constexpr int kDigitsMax = 4;  // As many as the paper ever prints.
  return fmt::format("{:.{}f}", std, std::clamp(1 - magnitude, 0, kDigitsMax));
}

std::string_view rank_name(Rank rank) {
  constexpr std::array<std::string_view, 5> kNames = {"", "best", "second", "better", "worse"};
  return kNames.at(static_cast<std::size_t>(rank));
}

/// Columns of a terminal, counting a UTF-8 sequence as one.
std::size_t shown_width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string markdown_cell(const std::string& column, const Cell& cell, bool against_paper) {
  std::string text = cell_text(column, cell) + marks(cell);
  if (cell.rank == Rank::Best) text = "**" + text + "**";
  if (cell.rank == Rank::Second) text = "_" + text + "_";
  if (against_paper) text += paper_text(cell);
  return text;
}

std::string markdown(const Table& table, bool against_paper) {
  std::vector<std::vector<std::string>> grid(1, {"Mean(std)"});
  for (const std::string& column : table.columns) grid[0].push_back(printable(column));
  std::vector<std::string> notes;
  for (const Row& row : table.rows) {
    std::vector<std::string> line = {printable(row.label)};
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      line.push_back(markdown_cell(table.columns[i], row.cells[i], against_paper));
      const std::string& missing = row.cells[i].missing;
      if (!missing.empty() && std::find(notes.begin(), notes.end(), missing) == notes.end()) {
        notes.push_back(missing);
      }
    }
    grid.push_back(std::move(line));
  }
  std::vector<std::size_t> widths(grid[0].size(), 3);
  for (const auto& line : grid) {
    for (std::size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], shown_width(line[i]));
  }
  std::string text = printable(table.title) + "\n\n";
  for (std::size_t r = 0; r < grid.size(); ++r) {
    text += '|';
    for (std::size_t i = 0; i < grid[r].size(); ++i) {
      text += " " + grid[r][i] + std::string(widths[i] - shown_width(grid[r][i]), ' ') + " |";
    }
    text += '\n';
    if (r > 0) continue;
    text += '|';
    for (const std::size_t width : widths) text += std::string(width + 2, '-') + "|";
    text += '\n';
  }
  if (against_paper) text += "\n[x; d]: the paper's value, and ours minus it.\n";
  if (!notes.empty()) text += "\nMissing:\n";
  for (const std::string& note : notes) text += "- " + printable(note) + "\n";
  return text;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string csv(const std::vector<Table>& blocks) {
  std::string text = "table,row,column,metric,mean,std,count,rank,paper,difference,trial,missing\n";
  for (const Table& table : blocks) {
    for (const Row& row : table.rows) {
      for (std::size_t i = 0; i < row.cells.size(); ++i) {
        const Cell& cell = row.cells[i];
        const bool both = cell.mean && cell.paper_mean;
        text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_field(table.title),
                            csv_field(row.label), csv_field(table.columns[i]),
                            csv_field(cell.metric), cell.mean ? fmt::format("{}", *cell.mean) : "",
                            cell.mean ? fmt::format("{}", cell.std) : "", cell.count,
                            rank_name(cell.rank), csv_field(cell.paper),
                            both ? fmt::format("{}", *cell.mean - *cell.paper_mean) : "",
                            csv_field(cell.trial), csv_field(cell.missing));
      }
    }
  }
  return text;
}

boost::json::object json_of(const Table& table) {
  boost::json::array cells;
  for (const Row& row : table.rows) {
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const Cell& cell = row.cells[i];
      boost::json::object item{
          {"row", row.label}, {"column", table.columns[i]}, {"metric", cell.metric}};
      if (cell.mean) {
        item["mean"] = *cell.mean;
        item["std"] = cell.std;
        if (cell.paper_mean) item["difference"] = *cell.mean - *cell.paper_mean;
      }
      item["count"] = cell.count;
      if (cell.rank != Rank::None) item["rank"] = rank_name(cell.rank);
      if (!cell.paper.empty()) item["paper"] = cell.paper;
      if (!cell.missing.empty()) item["missing"] = cell.missing;
      if (!cell.trial.empty()) item["trial"] = cell.trial;
      if (!cell.stage.empty()) item["stage"] = cell.stage;
      if (cell.above_reference) item["above_reference"] = true;
      cells.push_back(std::move(item));
    }
  }
  return {{"name", table.name}, {"title", table.title}, {"cells", std::move(cells)}};
}

std::string json_text(const std::vector<Table>& blocks) {
  if (blocks.size() == 1) return boost::json::serialize(json_of(blocks.front())) + "\n";
  boost::json::array all;
  for (const Table& table : blocks) all.push_back(json_of(table));
  return boost::json::serialize(all) + "\n";
}

}  // namespace

Format format_from(const std::string& name) {
  if (name == "markdown" || name == "md") return Format::Markdown;
  if (name == "csv") return Format::Csv;
  if (name == "json") return Format::Json;
  if (name == "latex" || name == "tex") return Format::Latex;
  if (name == "html") return Format::Html;
  const std::vector<std::string> names = {"md", "markdown", "csv", "json", "latex", "html"};
  throw_invalid("--format " + name + ": unknown format" + sweep::nearest_hint(name, names));
}

std::string mean_text(const std::string& metric, double mean) {
  const auto starts = [&](const char* prefix) { return metric.rfind(prefix, 0) == 0; };
  const bool coarse =
      starts("PSNR") || starts("FID") || starts("MACs") || starts("params") || starts("FPS");
  return fmt::format("{:.{}f}", mean, coarse ? 2 : 4);
}

std::string cell_text(const std::string& column, const Cell& cell) {
  if (!cell.mean) return cell.missing.empty() ? "" : "?";
  const std::string mean = mean_text(cell.metric.empty() ? column : cell.metric, *cell.mean);
  return cell.count == 0 ? mean : mean + "(" + std_text(cell.std) + ")";
}

std::string difference_text(const Cell& cell) {
  if (!cell.mean || !cell.paper_mean) return "";
  const double difference = *cell.mean - *cell.paper_mean;
  return (difference < 0 ? "-" : "+") + mean_text(cell.metric, std::abs(difference));
}

std::string marks(const Cell& cell) {
  std::string text = cell.above_reference ? "*" : "";
  if (cell.rank == Rank::Better) text += "+";
  if (cell.rank == Rank::Worse) text += "-";
  return text;
}

std::string paper_text(const Cell& cell) {
  if (cell.paper.empty()) return "";
  const std::string difference = difference_text(cell);
  return " [" + cell.paper + (difference.empty() ? "" : "; " + difference) + "]";
}

std::string render(const std::vector<Table>& blocks, Format format, bool against_paper) {
  std::string text;
  switch (format) {
    case Format::Csv:
      return csv(blocks);
    case Format::Json:
      return json_text(blocks);
    case Format::Latex:
      return latex(blocks, against_paper);
    case Format::Html:
      return html(blocks, against_paper);
    case Format::Markdown:
      for (const Table& table : blocks) {
        text += (text.empty() ? "" : "\n") + markdown(table, against_paper);
      }
      break;
  }
  return text;
}

std::string render(const Table& table, Format format, bool against_paper) {
  return render(std::vector<Table>{table}, format, against_paper);
}

}  // namespace reprise::dashboards
