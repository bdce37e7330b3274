#pragma once
/// Questions of people to the results database, in SQL. db/SCHEMA.md describes the tables.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace reprise::db {

/// NULL, an integer, a real number or a text.
using QueryValue = std::variant<std::monostate, std::int64_t, double, std::string>;

using Header = std::function<void(const std::vector<std::string>& columns)>;
using RowSink = std::function<void(const std::vector<QueryValue>& row)>;

/// Runs one SELECT: `header` once, then `row` for each row, as they come. Errors: InvalidInput for
/// SQL that is wrong, would write, or is more than one statement; those of the database.
void query(const std::filesystem::path& file, const std::string& sql, const Header& header,
           const RowSink& row);

}  // namespace reprise::db
