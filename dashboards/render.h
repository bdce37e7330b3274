#pragma once
/// Tables as text. Equal tables give equal bytes.

#include <string>
#include <vector>

#include "dashboards/table.h"

namespace reprise::dashboards {

enum class Format : unsigned char { Markdown, Csv, Json, Latex, Html };

/// "markdown"/"md", "csv", "json", "latex"/"tex", "html". Errors: InvalidInput.
Format format_from(const std::string& name);

/// A mean in the paper's precision: PSNR, FID, MACs, params and FPS two decimals, all else four.
std::string mean_text(const std::string& column, double mean);
/// mean(std) as the paper prints it, the std with two significant digits: "33.26(3.4)".
std::string cell_text(const std::string& column, const Cell& cell);

/// Ours minus the paper's, signed, in the paper's precision; empty without both.
std::string difference_text(const Cell& cell);

/// Marks: Markdown **best** and _second_, LaTeX and HTML the paper's red and blue; "+" and "-"
/// better and worse than the baseline; "*" better than HR. `against_paper` adds the paper's value
/// and the difference in brackets. CSV and JSON always carry both, at full precision, with count
/// and rank.
std::string render(const std::vector<Table>& blocks, Format format, bool against_paper);
std::string render(const Table& table, Format format, bool against_paper);

}  // namespace reprise::dashboards
