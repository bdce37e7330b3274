#include "dashboards/render_markup.h"

#include <algorithm>

#include "dashboards/render.h"

namespace reprise::dashboards {
namespace {

std::string replaced(const std::string& text, const std::string& special,
                     const std::vector<std::string>& by) {
  std::string out;
  for (const char c : text) {
    const std::size_t at = special.find(c);
    out += at == std::string::npos ? std::string(1, c) : by[at];
  }
  return out;
}

std::string latex_text(const std::string& text) {
  return replaced(text, "&%$#_{}~^\\",
                  {"\\&", "\\%", "\\$", "\\#", "\\_", "\\{", "\\}", "\\textasciitilde{}",
                   "\\textasciicircum{}", "\\textbackslash{}"});
}

/// The paper's own marks: red and blue; Table 10 has red for better and green for worse.
std::string latex_cell(const std::string& column, const Cell& cell, bool against_paper) {
  std::string text = latex_text(cell_text(column, cell));
  if (cell.above_reference) text += "$^*$";
  if (cell.rank == Rank::Best) text = "\\textcolor{red}{\\textbf{" + text + "}}";
  if (cell.rank == Rank::Second) text = "\\textcolor{blue}{\\textbf{" + text + "}}";
  if (cell.rank == Rank::Better) text = "\\textcolor{red}{" + text + "}";
  if (cell.rank == Rank::Worse) text = "\\textcolor{green!50!black}{" + text + "}";
  if (against_paper) text += latex_text(paper_text(cell));
  return text;
}

std::string arrow(const Table& table, std::size_t column) {
  if (table.between_columns || table.rows.empty()) return "";
  const std::string& metric = table.rows.front().cells[column].metric;
  if (metric != table.columns[column]) return "";
  return smaller_is_better(metric) ? "down" : "up";
}

std::vector<std::string> missing_notes(const Table& table) {
  std::vector<std::string> notes;
  for (const Row& row : table.rows) {
    for (const Cell& cell : row.cells) {
      const bool known = std::find(notes.begin(), notes.end(), cell.missing) != notes.end();
      if (!cell.missing.empty() && !known) notes.push_back(cell.missing);
    }
  }
  return notes;
}

std::string html_class(Rank rank) {
  if (rank == Rank::Best) return " class=\"best\"";
  if (rank == Rank::Second) return " class=\"second\"";
  if (rank == Rank::Better) return " class=\"better\"";
  return rank == Rank::Worse ? " class=\"worse\"" : "";
}

}  // namespace

std::string html_text(const std::string& text) {
  return replaced(text, "&<>\"'", {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"});
}

std::string latex(const std::vector<Table>& blocks, bool against_paper) {
  std::string text = "% \\usepackage{booktabs,xcolor}\n";
  for (const Table& table : blocks) {
    text += "\\begin{table}\n\\caption{" + latex_text(table.title) + "}\n\\begin{tabular}{l" +
            std::string(table.columns.size(), 'c') + "}\n\\toprule\nMean(std)";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const std::string direction = arrow(table, i);
      text += " & " + latex_text(table.columns[i]);
      if (!direction.empty()) text += "$\\" + direction + "arrow$";
    }
    text += " \\\\\n\\midrule\n";
    for (const Row& row : table.rows) {
      text += latex_text(row.label);
      for (std::size_t i = 0; i < row.cells.size(); ++i) {
        text += " & " + latex_cell(table.columns[i], row.cells[i], against_paper);
      }
      text += " \\\\\n";
    }
    text += "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
    for (const std::string& note : missing_notes(table)) text += "% missing: " + note + "\n";
  }
  return text;
}

std::string html(const std::vector<Table>& blocks, bool against_paper) {
  std::string text;
  for (const Table& table : blocks) {
    text += "<table class=\"results\">\n<caption>" + html_text(table.title) +
            "</caption>\n<thead><tr><th scope=\"col\">Mean(std)</th>";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const std::string direction = arrow(table, i);
      text += "<th scope=\"col\">" + html_text(table.columns[i]);
      if (!direction.empty()) text += direction == "up" ? " &uarr;" : " &darr;";
      text += "</th>";
    }
    text += "</tr></thead>\n<tbody>\n";
    for (const Row& row : table.rows) {
      text += "<tr><th scope=\"row\">" + html_text(row.label) + "</th>";
      for (std::size_t i = 0; i < row.cells.size(); ++i) {
        const Cell& cell = row.cells[i];
        text += "<td" + html_class(cell.rank);
        if (!cell.missing.empty()) text += " title=\"" + html_text(cell.missing) + "\"";
        text += ">" + html_text(cell_text(table.columns[i], cell) + marks(cell));
        if (against_paper && !cell.paper.empty()) {
          text += "<span class=\"paper\">" + html_text(paper_text(cell)) + "</span>";
        }
        text += "</td>";
      }
      text += "</tr>\n";
    }
    text += "</tbody>\n</table>\n";
    const std::vector<std::string> notes = missing_notes(table);
    if (!notes.empty()) text += "<ul class=\"missing\">\n";
    for (const std::string& note : notes) text += "<li>" + html_text(note) + "</li>\n";
    if (!notes.empty()) text += "</ul>\n";
  }
  return text;
}

}  // namespace reprise::dashboards
