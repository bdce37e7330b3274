#include "dashboards/paper.h"

#include <map>
#include <sstream>
#include <vector>

#include "sweep/error.h"

namespace reprise::dashboards {
namespace {

constexpr const char* kCsv =
#include "paper_tables.inc"
    ;

std::vector<std::string> split_csv(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

std::map<std::string, PaperValue> parse() {
  std::map<std::string, PaperValue> values;
  std::istringstream lines(kCsv);
  std::string line;
  std::getline(lines, line);  // The header: table,row,column,mean,std,beats_hr
  while (std::getline(lines, line)) {
    const std::vector<std::string> field = split_csv(line);
    if (field.size() < 5) continue;
    PaperValue value{.mean = std::stod(field[3]), .std = {}, .text = field[3]};
    if (!field[4].empty()) {
      value.std = std::stod(field[4]);
      value.text += "(" + field[4] + ")";
    }
    values[field[0] + "\n" + field[1] + "\n" + field[2]] = value;
  }
  REPRISE_CHECK(values.size() == 626);
  return values;
}

}  // namespace

std::optional<PaperValue> paper_value(const std::string& table, const std::string& row,
                                      const std::string& column) {
  static const std::map<std::string, PaperValue> values = parse();
  const auto found = values.find(table + "\n" + row + "\n" + column);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

}  // namespace reprise::dashboards
