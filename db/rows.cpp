#include "db/rows.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <limits>
#include <tuple>

#include "sweep/digest.h"
#include "sweep/error.h"

namespace reprise::db {
namespace {

namespace json = boost::json;

[[noreturn]] void refuse(const std::string& stage, const std::string& what) {
  throw_corrupt("result of stage " + stage + ", rows: " + what);
}

const json::array& column(const json::object& rows, const char* key, const std::string& stage) {
  const json::value* value = rows.if_contains(key);
  if (value == nullptr || !value->is_array()) refuse(stage, std::string(key) + " is not an array");
  return value->get_array();
}

/// An integer in [0, limit); canonical text may have turned 3.0 into 3, so only integers pass.
std::int64_t index_at(const json::array& array, std::size_t i, std::int64_t limit,
                      const std::string& stage) {
  const json::value& value = array[i];
  if (!value.is_int64() || value.get_int64() < 0 || value.get_int64() >= limit) {
    refuse(stage, "an index is out of range");
  }
  return value.get_int64();
}

}  // namespace

std::vector<MetricRow> metric_rows(const json::object& body, const std::string& stage) {
  const json::value* found = body.if_contains("rows");
  if (found == nullptr) return {};
  if (!found->is_object()) refuse(stage, "not an object");
  const json::object& rows = found->get_object();
  if (rows.empty()) return {};
  const json::array& subjects = column(rows, "subjects", stage);
  const json::array& subject = column(rows, "subject", stage);
  const json::array& slice = column(rows, "slice", stage);
  const json::value* values = rows.if_contains("values");
  if (values == nullptr || !values->is_object()) refuse(stage, "values is not an object");
  for (const json::value& name : subjects) {
    if (!name.is_string()) refuse(stage, "a subject is not a text");
  }
  if (subject.size() != slice.size()) refuse(stage, "columns of unequal length");

  std::vector<MetricRow> result;
  for (const auto& [name, cells] : values->get_object()) {
    if (!cells.is_array() || cells.get_array().size() != slice.size()) {
      refuse(stage, "columns of unequal length");
    }
    for (std::size_t i = 0; i < slice.size(); ++i) {
      const json::value& cell = cells.get_array()[i];
      if (!cell.is_number() && !cell.is_null()) refuse(stage, "a value is not a number");
      const auto who = index_at(subject, i, static_cast<std::int64_t>(subjects.size()), stage);
      MetricRow row;
      row.subject = std::string(subjects[static_cast<std::size_t>(who)].get_string());
      row.slice = index_at(slice, i, std::numeric_limits<int>::max(), stage);
      row.name = std::string(name);
      if (cell.is_number()) row.value = cell.to_number<double>();
      result.push_back(std::move(row));
    }
  }
  const auto key = [](const MetricRow& row) { return std::tie(row.name, row.subject, row.slice); };
  std::sort(result.begin(), result.end(),
            [&](const MetricRow& a, const MetricRow& b) { return key(a) < key(b); });
  const auto repeated =
      std::adjacent_find(result.begin(), result.end(),
                         [&](const MetricRow& a, const MetricRow& b) { return key(a) == key(b); });
  if (repeated != result.end()) refuse(stage, "a slice of a subject is there twice");
  return result;
}

std::string row_hash(const std::string& stage, const std::string& body) {
  return sha256_hex(stage + '\n' + body);
}

}  // namespace reprise::db
