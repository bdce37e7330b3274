#include "dashboards/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <vector>

#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::dashboards {
namespace {

std::string std_text(double std) {
  if (!(std > 0)) return "0";
  const int magnitude = static_cast<int>(std::floor(std::log10(std)));
  return fmt::format("{:.{}f}", std, std::max(0, 1 - magnitude));
}

std::string_view rank_name(Rank rank) {
  return rank == Rank::Best ? "best" : rank == Rank::Second ? "second" : "";
}

/// Columns of a terminal, counting a UTF-8 sequence as one.
std::size_t shown_width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string markdown_cell(const std::string& column, const Cell& cell, bool against_paper) {
  std::string text = cell_text(column, cell);
  if (cell.rank == Rank::Best) text = "**" + text + "**";
  if (cell.rank == Rank::Second) text = "_" + text + "_";
  if (against_paper && !cell.paper.empty()) text += " [" + cell.paper + "]";
  return text;
}

std::string markdown(const Table& table, bool against_paper) {
  std::vector<std::vector<std::string>> grid(1, {"Mean(std)"});
  grid[0].insert(grid[0].end(), table.columns.begin(), table.columns.end());
  std::vector<std::string> notes;
  for (const Row& row : table.rows) {
    std::vector<std::string> line = {row.label};
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      line.push_back(markdown_cell(table.columns[i], row.cells[i], against_paper));
      const std::string& missing = row.cells[i].missing;
      if (!missing.empty() && (notes.empty() || notes.back() != missing)) notes.push_back(missing);
    }
    grid.push_back(std::move(line));
  }
  std::vector<std::size_t> widths(grid[0].size(), 3);
  for (const auto& line : grid) {
    for (std::size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], shown_width(line[i]));
  }
  std::string text = table.title + "\n\n";
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
  if (against_paper) text += "\n[x]: the paper's value for the row of the same name.\n";
  if (!notes.empty()) text += "\nMissing (`reprise run` fills it):\n";
  for (const std::string& note : notes) text += "- " + note + "\n";
  return text;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string csv(const Table& table) {
  std::string text = "row,column,mean,std,count,rank,paper,missing\n";
  for (const Row& row : table.rows) {
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const Cell& cell = row.cells[i];
      text +=
          fmt::format("{},{},{},{},{},{},{},{}\n", csv_field(row.label),
                      csv_field(table.columns[i]), cell.mean ? fmt::format("{}", *cell.mean) : "",
                      cell.mean ? fmt::format("{}", cell.std) : "", cell.count,
                      rank_name(cell.rank), csv_field(cell.paper), csv_field(cell.missing));
    }
  }
  return text;
}

std::string json(const Table& table) {
  boost::json::array cells;
  for (const Row& row : table.rows) {
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const Cell& cell = row.cells[i];
      boost::json::object item{{"row", row.label}, {"column", table.columns[i]}};
      if (cell.mean) {
        item["mean"] = *cell.mean;
        item["std"] = cell.std;
      }
      item["count"] = cell.count;
      if (cell.rank != Rank::None) item["rank"] = rank_name(cell.rank);
      if (!cell.paper.empty()) item["paper"] = cell.paper;
      if (!cell.missing.empty()) item["missing"] = cell.missing;
      cells.push_back(std::move(item));
    }
  }
  return boost::json::serialize(boost::json::object{
             {"name", table.name}, {"title", table.title}, {"cells", std::move(cells)}}) +
         "\n";
}

}  // namespace

Format format_from(const std::string& name) {
  if (name == "markdown" || name == "md") return Format::Markdown;
  if (name == "csv") return Format::Csv;
  if (name == "json") return Format::Json;
  const std::vector<std::string> names = {"md", "markdown", "csv", "json"};
  throw_invalid("--format " + name + ": unknown format" + sweep::nearest_hint(name, names));
}

std::string mean_text(const std::string& column, double mean) {
  const bool coarse = column.rfind("PSNR", 0) == 0 || column == "FID";
  return fmt::format("{:.{}f}", mean, coarse ? 2 : 4);
}

std::string cell_text(const std::string& column, const Cell& cell) {
  if (!cell.mean) return cell.missing.empty() ? "" : "?";
  return mean_text(column, *cell.mean) + "(" + std_text(cell.std) + ")";
}

std::string render(const Table& table, Format format, bool against_paper) {
  switch (format) {
    case Format::Csv:
      return csv(table);
    case Format::Json:
      return json(table);
    case Format::Markdown:
      break;
  }
  return markdown(table, against_paper);
}

}  // namespace reprise::dashboards
