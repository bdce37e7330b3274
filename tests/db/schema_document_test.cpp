// db/SCHEMA.md says what the database really is, and its examples run.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "db/query.h"
#include "db/store.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "tests/support/temp_dir.h"

namespace reprise::db {
namespace {

using Columns = std::map<std::string, std::set<std::string>>;

std::string document() {
  return read_file(std::filesystem::path(REPRISE_SOURCE_DIR) / "db/SCHEMA.md");
}

/// "TYPE name" of every column of every entity of the ER diagram.
Columns documented() {
  Columns tables;
  std::istringstream lines(document());
  std::string line;
  std::string table;
  while (std::getline(lines, line)) {
    if (line == "```") break;
    std::size_t at = line.find('{');
    if (at != std::string::npos && line.find("--") == std::string::npos) {
      std::istringstream(line.substr(0, at)) >> table;
      line = line.substr(at + 1);
    }
    if (table.empty()) continue;
    std::string type;
    std::string name;
    if (std::istringstream(line) >> type >> name && type != "}") {
      tables[table].insert(type + " " + name);
    }
    if (line.find('}') != std::string::npos) table.clear();
  }
  return tables;
}

std::vector<std::vector<QueryValue>> rows_of(const std::filesystem::path& file,
                                             const std::string& sql) {
  std::vector<std::vector<QueryValue>> rows;
  query(file, sql, [](const auto&) {}, [&](const auto& row) { rows.push_back(row); });
  return rows;
}

Columns real(const std::filesystem::path& file) {
  Columns tables;
  Connection connection(file, Access::ReadOnly);
  Statement statement(
      connection,
      "SELECT t.name, c.type, c.name FROM sqlite_schema t, pragma_table_info(t.name)"
      " c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'");
  while (statement.step()) {
    tables[statement.text(0)].insert(statement.text(1) + " " + statement.text(2));
  }
  return tables;
}

class SchemaDocument : public ::testing::Test {
 protected:
  SchemaDocument() : file_(folder_ / "reprise.db") { Store(file_, Access::ReadWrite); }

  reprise::testing::TempDir folder_;
  std::filesystem::path file_;
};

std::string refusal(const std::filesystem::path& file, const std::string& sql) {
  try {
    (void)rows_of(file, sql);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidInput) << error.what();
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_F(SchemaDocument, NamesEveryTableAndColumnAndNoOther) { EXPECT_EQ(documented(), real(file_)); }

TEST_F(SchemaDocument, ItsExamplesRun) {
  const std::string text = document();
  int examples = 0;
  for (std::size_t at = text.find("```sql"); at != std::string::npos;
       at = text.find("```sql", at)) {
    at += 6;
    const std::string sql = text.substr(at, text.find("```", at) - at);
    EXPECT_NO_THROW((void)rows_of(file_, sql)) << sql;
    ++examples;
  }
  EXPECT_GE(examples, 4);
}

TEST_F(SchemaDocument, AQueryReadsAndNeverWrites) {
  const auto rows = rows_of(file_, "SELECT 1, 2.5, 'a', NULL");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(std::get<std::int64_t>(rows[0][0]), 1);
  EXPECT_EQ(std::get<double>(rows[0][1]), 2.5);
  EXPECT_EQ(std::get<std::string>(rows[0][2]), "a");
  EXPECT_TRUE(std::holds_alternative<std::monostate>(rows[0][3]));
  for (const char* sql :
       {"DELETE FROM studies", "DROP TABLE trials", "PRAGMA user_version = 9",
        "ATTACH 'other.db' AS other", "INSERT INTO events VALUES(1, 'a', 'b')",
        "REPLACE INTO studies VALUES('a', 'b', 1)", "UPDATE stages SET kind = 'x'",
        "CREATE TEMP TABLE mine(x)", "BEGIN", "REINDEX",
        "WITH x AS (SELECT 1) INSERT INTO events SELECT 1, 'a', 'b', 'c' FROM x", "DETACH main",
        "ANALYZE"}) {
    EXPECT_EQ(refusal(file_, sql), "query: only SELECT is allowed here") << sql;
  }
  EXPECT_NE(refusal(file_, "VACUUM INTO 'copy.db'"), "no error");
  EXPECT_NE(refusal(file_, "SELECT load_extension('x.so')"), "no error");
  // Values inside JSON columns can be asked for.
  EXPECT_EQ(rows_of(file_, "SELECT value FROM json_each('[1, 2]')").size(), 2U);
  EXPECT_EQ(rows_of(file_, "SELECT value FROM json_tree('{\"a\": 1}')").size(), 2U);
  EXPECT_EQ(refusal(file_, "SELECT 1; SELECT 2"), "query: one statement at a time");
  EXPECT_EQ(refusal(file_, "  "), "query: there is no statement");
  EXPECT_NE(refusal(file_, "SELECT x FROM nowhere").find("no such table: nowhere"),
            std::string::npos);
}

}  // namespace reprise::db
