#pragma once
/// The marks in a table: best and second best, better and worse than a baseline, better than HR.

#include "dashboards/definition.h"
#include "dashboards/table.h"

namespace reprise::dashboards {

/// Marks the cells of a block as its definition says.
void rank_table(Table& table, const Definition& definition, const Block& block);

}  // namespace reprise::dashboards
