#pragma once
/// Comma-separated files with a header line, as spreadsheets write them.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace reprise::datasets {

struct CsvRow {
  std::map<std::string, std::string> values;  ///< Column name to field.
  std::string where;                          ///< "file.csv:7", for messages.
};

/// Splits a line (RFC 4180 quotes, no line breaks inside a field).
std::vector<std::string> split_fields(const std::string& line, char separator);

/// All rows. A byte order mark and empty lines are skipped. Errors: InvalidInput (missing file, a
/// column of `required` missing, a row of another length, no rows), naming file and line.
std::vector<CsvRow> read_csv(const std::filesystem::path& path,
                             const std::vector<std::string>& required);

}  // namespace reprise::datasets
