#pragma once
/// What an import shows to people: a bar while it runs, and what it found against the paper.

#include <functional>
#include <iosfwd>
#include <string>

#include "datasets_h5/importer.h"

namespace reprise::datasets {

/// A bar on standard error, redrawn in place; nothing where that is no terminal.
std::function<void(int done, int total)> progress_bar(const std::string& what);

/// Subjects and slices of both splits, beside the paper's where the importer is one of the paper's.
void print_report(std::ostream& out, const std::string& file, const ImportReport& report);

}  // namespace reprise::datasets
