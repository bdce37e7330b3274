#pragma once
/// The report of a study: one HTML page that needs no other file, and is fit to be printed.

#include <string>
#include <vector>

#include "dashboards/costs.h"
#include "dashboards/table.h"
#include "db/store.h"
#include "sweep/plan.h"

namespace reprise::dashboards {

/// A drawn figure.
struct ReportFigure {
  std::string title;
  std::string svg;  ///< The file's bytes.
};

/// A data set of the plan, for the provenance.
struct ReportDataset {
  std::string name, digest, recipe;
  std::string contents;  ///< "48 slices of 4 x 64 x 64, 4 volumes, 1 of them for the test".
};

struct ReportInput {
  const sweep::Plan* plan = nullptr;
  std::string study_text;
  std::string version;  ///< Of the program.
  std::string command;  ///< What fills the cells that are missing.
  std::vector<Table> tables;
  std::vector<ReportFigure> figures;
  std::vector<std::string> undrawn;  ///< Titles of the figures of which nothing is measured yet.
  std::vector<ReportDataset> datasets;
  Costs costs;
};

/// Equal input gives equal bytes: no date of today, no random names.
std::string report_page(const ReportInput& input);

}  // namespace reprise::dashboards
