#pragma once
/// What the trials of a study's `[search]` came to, from the database.

#include <optional>
#include <string>

#include "db/store.h"
#include "sweep/study.h"

namespace reprise::cli {

/// What to take a trial for that has no value.
enum class Missing : unsigned char {
  Unknown,  ///< It may have one later.
  Failed,   ///< The worst, if one of its stages failed.
  Lost,     ///< The worst: nothing of it runs any more.
};

/// Values of the searches' trials. Errors: those of the database.
sweep::Observations observe(const db::Store& store, const sweep::Study& study,
                            const sweep::Plan& plan, Missing missing);

/// "best of 27 configurations: #7 window=4 (18000 steps), validation 31.20"; none while no trial of
/// the longest training has a value.
std::optional<std::string> best_of(const sweep::StudySearch& search, const sweep::Study& study,
                                   const sweep::Observations& known);

}  // namespace reprise::cli
