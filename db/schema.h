#pragma once
/// The tables of the results database and how an older file becomes a current one.
///
/// `PRAGMA user_version` counts the applied migrations. A file from a newer program is refused.

#include "db/sqlite.h"

namespace reprise::db {

inline constexpr int kSchemaVersion = 4;

/// Sets the connection up (WAL, synchronous=FULL, foreign keys, our own checkpoints) and, when
/// writable, migrates the file in one transaction.
/// Errors: InvalidInput for a newer schema, Corrupt for a file that is not ours.
void prepare_schema(Connection& connection, Access access);

}  // namespace reprise::db
