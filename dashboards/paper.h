#pragma once
/// The paper's published tables (Zhu, Yang and Lio 2023, Tables 1-10): 626 values, typed once, in
/// paper-tables.csv.

#include <optional>
#include <string>

namespace reprise::dashboards {

struct PaperValue {
  double mean = 0;
  std::optional<double> std;
  std::string text;  ///< As printed: "33.26(3.4)".
};

/// The value in a table ("6"), row ("E(1)") and column ("PSNR") of the paper, if there is one.
std::optional<PaperValue> paper_value(const std::string& table, const std::string& row,
                                      const std::string& column);

}  // namespace reprise::dashboards
