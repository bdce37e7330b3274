#include "db/query.h"

#include "db/schema.h"
#include "db/sqlite.h"
#include "sweep/error.h"

namespace reprise::db {
namespace {

QueryValue value_of(const Statement& statement, int column) {
  switch (statement.type(column)) {
    case ValueType::Integer:
      return statement.integer(column);
    case ValueType::Real:
      return statement.real(column);
    case ValueType::Text:
      return statement.text(column);
    case ValueType::Null:
      break;
  }
  return std::monostate{};
}

}  // namespace

void query(const std::filesystem::path& file, const std::string& sql, const Header& header,
           const RowSink& row) {
  Connection connection(file, Access::ReadOnly);
  prepare_schema(connection, Access::ReadOnly);
  connection.allow_select_only();
  try {
    Statement statement(connection, sql);
    if (statement.has_more()) throw_invalid("query: one statement at a time");
    const int count = statement.columns();
    if (count == 0) throw_invalid("query: there is no statement");
    std::vector<std::string> names;
    names.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) names.push_back(statement.name(i));
    header(names);
    std::vector<QueryValue> values(names.size());
    while (statement.step()) {
      for (int i = 0; i < count; ++i) {
        values[static_cast<std::size_t>(i)] = value_of(statement, i);
      }
      row(values);
    }
  } catch (const Error& error) {
    const std::string text = error.what();
    const bool denied = text.find("not authorized") != std::string::npos;
    if (denied) throw_invalid("query: only SELECT is allowed here");
    if (error.code() == ErrorCode::InvalidInput && !text.starts_with("query: ")) {
      throw_invalid(text + "; db/SCHEMA.md has the tables");
    }
    throw;
  }
}

}  // namespace reprise::db
