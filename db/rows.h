#pragma once
/// The per-slice rows of a result body (wire.h), checked and flattened.

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace reprise::db {

struct MetricRow {
  std::string subject;
  std::int64_t slice = 0;
  std::string name;
  std::optional<double> value;
};

/// All rows of a body, ordered by metric, subject and slice; `stage` is named in errors.
/// Errors: Corrupt for columns of unequal length, wrong types, bad indices or repeated rows.
std::vector<MetricRow> metric_rows(const boost::json::object& body, const std::string& stage);

/// What a result's row says of itself. It binds the body to its stage, so that a row cannot answer
/// for another one.
std::string row_hash(const std::string& stage, const std::string& body);

}  // namespace reprise::db
