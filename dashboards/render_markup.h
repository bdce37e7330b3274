#pragma once
/// Tables as LaTeX and HTML, and the marks that all formats share. Internal to dashboards/.

#include <string>
#include <vector>

#include "dashboards/table.h"

namespace reprise::dashboards {

/// "*" better than HR, "+" and "-" better and worse than the baseline.
std::string marks(const Cell& cell);
/// " [33.06(3.3); +0.12]": the paper's value and the difference; empty where the paper has none.
std::string paper_text(const Cell& cell);

/// A table environment for each block: packages booktabs and xcolor.
std::string latex(const std::vector<Table>& blocks, bool against_paper);
/// A <table> for each block, without a page around them.
std::string html(const std::vector<Table>& blocks, bool against_paper);
/// A text with &, <, > and quotes written as entities.
std::string html_text(const std::string& text);

}  // namespace reprise::dashboards
