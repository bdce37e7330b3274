#pragma once
/// Rows of a query as a table, CSV or JSON, written as they come.

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "db/query.h"

namespace reprise::cli {

class QueryOutput {
 public:
  QueryOutput() = default;
  virtual ~QueryOutput() = default;
  QueryOutput(const QueryOutput&) = delete;
  QueryOutput& operator=(const QueryOutput&) = delete;
  QueryOutput(QueryOutput&&) = delete;
  QueryOutput& operator=(QueryOutput&&) = delete;

  virtual void header(const std::vector<std::string>& names) = 0;
  virtual void row(const std::vector<db::QueryValue>& values) = 0;
  virtual void finish() {}
};

/// `format`: "table", "csv" or "json" (a list of objects). `file` outlives the output.
std::unique_ptr<QueryOutput> make_query_output(const std::string& format, std::FILE* file);

}  // namespace reprise::cli
