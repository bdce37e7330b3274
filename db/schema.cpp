#include "db/schema.h"

#include <array>
#include <string>

#include "sweep/error.h"

namespace reprise::db {
namespace {

/// Migration i takes a file from schema i to i + 1. Never edit one that was released: add another.
constexpr std::array<const char*, kSchemaVersion> kMigrations{R"sql(
CREATE TABLE datasets(
  name TEXT PRIMARY KEY, digest TEXT NOT NULL, path TEXT NOT NULL, info TEXT NOT NULL) STRICT;

CREATE TABLE studies(
  name TEXT PRIMARY KEY, text TEXT NOT NULL, planned_at INTEGER NOT NULL) STRICT;

CREATE TABLE stages(
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, config TEXT NOT NULL,
  dataset_digest TEXT NOT NULL) STRICT;

CREATE TABLE stage_inputs(
  stage TEXT NOT NULL REFERENCES stages(id), role TEXT NOT NULL,
  input TEXT NOT NULL REFERENCES stages(id), PRIMARY KEY(stage, role)) STRICT, WITHOUT ROWID;

-- What a study calls a shared stage and how it runs it: not part of the stage's identity.
CREATE TABLE study_stages(
  study TEXT NOT NULL REFERENCES studies(name) ON DELETE CASCADE, position INTEGER NOT NULL,
  stage TEXT NOT NULL REFERENCES stages(id), label TEXT NOT NULL, dataset TEXT NOT NULL,
  options TEXT NOT NULL, steps INTEGER NOT NULL,
  PRIMARY KEY(study, position)) STRICT, WITHOUT ROWID;

CREATE TABLE trials(
  study TEXT NOT NULL REFERENCES studies(name) ON DELETE CASCADE, position INTEGER NOT NULL,
  name TEXT NOT NULL, label TEXT NOT NULL,
  PRIMARY KEY(study, position), UNIQUE(study, name)) STRICT, WITHOUT ROWID;

CREATE TABLE trial_stages(
  study TEXT NOT NULL, trial TEXT NOT NULL, role TEXT NOT NULL,
  stage TEXT NOT NULL REFERENCES stages(id), PRIMARY KEY(study, trial, role),
  FOREIGN KEY(study, trial) REFERENCES trials(study, name) ON DELETE CASCADE)
  STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a fence is never used twice, even after rows were deleted.
CREATE TABLE attempts(
  fence INTEGER PRIMARY KEY AUTOINCREMENT, stage TEXT NOT NULL REFERENCES stages(id),
  gang TEXT NOT NULL, host TEXT NOT NULL, device TEXT NOT NULL, ranks INTEGER NOT NULL,
  started INTEGER NOT NULL, ended INTEGER,
  outcome TEXT CHECK(outcome IN ('done', 'failed', 'lost', 'revoked', 'handed-back')),
  message TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX attempts_stage ON attempts(stage, fence);

CREATE TABLE results(
  stage TEXT PRIMARY KEY REFERENCES stages(id), fence INTEGER NOT NULL REFERENCES attempts(fence),
  body TEXT NOT NULL, sha256 TEXT NOT NULL, committed_at INTEGER NOT NULL) STRICT;

CREATE TABLE metrics(
  stage TEXT NOT NULL REFERENCES results(stage) ON DELETE CASCADE, subject TEXT NOT NULL,
  slice INTEGER NOT NULL, name TEXT NOT NULL, value REAL,
  PRIMARY KEY(stage, name, subject, slice)) STRICT, WITHOUT ROWID;

CREATE TABLE events(time INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL) STRICT;
)sql",
                                                              R"sql(
-- Who asked for it: 'coordinator', or the person and address behind a request.
ALTER TABLE events ADD COLUMN who TEXT NOT NULL DEFAULT 'coordinator';
)sql",
                                                              R"sql(
-- What a study is called and which tables it declares, as JSON: its text may name files that are
-- somewhere else by now.
ALTER TABLE studies ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE studies ADD COLUMN tables TEXT NOT NULL DEFAULT '[]';
)sql",
                                                              R"sql(
-- What an attempt's stage cost: a step of a training, the whole of any other stage. Rows come once a
-- training has run for a hundred steps, and with results.
CREATE TABLE stage_costs(
  fence INTEGER PRIMARY KEY REFERENCES attempts(fence), steps INTEGER NOT NULL,
  step_seconds REAL NOT NULL, start_seconds REAL NOT NULL, threads INTEGER NOT NULL) STRICT;
INSERT INTO stage_costs
  SELECT fence, max(1, CAST(round(seconds * speed) AS INTEGER)), 1.0 / speed,
    max(0.0, wall - seconds), max(1, threads)
  FROM (SELECT fence, CAST(json_extract(body, '$.provenance.seconds') AS REAL) AS seconds,
      CAST(json_extract(body, '$.provenance.steps_per_second') AS REAL) AS speed,
      CAST(coalesce(json_extract(body, '$.provenance.cost.wall_seconds'), 0) AS REAL) AS wall,
      CAST(coalesce(json_extract(body, '$.provenance.threads'), 1) AS INTEGER) AS threads
    FROM results WHERE json_valid(body))
  WHERE seconds > 0 AND speed > 0;
INSERT OR IGNORE INTO stage_costs
  SELECT fence, 1, wall, 0.0, max(1, threads)
  FROM (SELECT fence, CAST(json_extract(body, '$.provenance.cost.wall_seconds') AS REAL) AS wall,
      CAST(coalesce(json_extract(body, '$.provenance.threads'), 1) AS INTEGER) AS threads
    FROM results WHERE json_valid(body))
  WHERE wall > 0;
)sql"};

void refuse_foreign(Connection& connection, std::int64_t version) {
  if (version > kSchemaVersion) {
    throw_invalid(connection.file().string() + ": database schema " + std::to_string(version) +
                  " is newer than this program's " + std::to_string(kSchemaVersion) +
                  ": use a newer reprise");
  }
  if (version < 0 ||
      (version == 0 && connection.integer("SELECT count(*) FROM sqlite_schema") > 0)) {
    throw_corrupt(connection.file().string() + ": not a results database of reprise");
  }
}

}  // namespace

void prepare_schema(Connection& connection, Access access) {
  std::int64_t version = connection.integer("PRAGMA user_version");
  refuse_foreign(connection, version);
  connection.execute("PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA mmap_size=0");
  if (access == Access::ReadOnly) {
    if (version < kSchemaVersion) {
      throw_invalid(connection.file().string() + ": database schema " + std::to_string(version) +
                    " is older than this program's " + std::to_string(kSchemaVersion) +
                    ": run a study in this workspace once to bring it up to date");
    }
    return;
  }
  connection.execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0");
  if (version == kSchemaVersion) return;
  Transaction transaction(connection);
  for (; version < kSchemaVersion; ++version) {
    connection.execute(kMigrations.at(static_cast<std::size_t>(version)));
  }
  connection.execute("PRAGMA user_version=" + std::to_string(kSchemaVersion));
  transaction.commit();
}

}  // namespace reprise::db
