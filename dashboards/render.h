#pragma once
/// Tables as text. Equal tables give equal bytes.

#include <string>

#include "dashboards/table.h"

namespace reprise::dashboards {

enum class Format : unsigned char { Markdown, Csv, Json };

/// "markdown"/"md", "csv", "json". Errors: InvalidInput.
Format format_from(const std::string& name);

/// A mean in the paper's precision: PSNR and FID two decimals, all else four.
std::string mean_text(const std::string& column, double mean);
/// mean(std) as the paper prints it, the std with two significant digits: "33.26(3.4)".
std::string cell_text(const std::string& column, const Cell& cell);

/// Markdown marks best **bold** and second best _underlined_; `against_paper` adds the paper's
/// value in brackets. CSV and JSON always carry it, at full precision, with count and rank.
std::string render(const Table& table, Format format, bool against_paper);

}  // namespace reprise::dashboards
