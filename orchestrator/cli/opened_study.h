#pragma once
/// A study with its plan and, where there is one, the results database: what commands that only
/// read begin with.

#include <cstddef>
#include <memory>
#include <string>

#include "db/store.h"
#include "orchestrator/cli/study_options.h"

namespace reprise::cli {

/// A plan of more stages than these is summed up, not listed, unless `--stages` asks.
inline constexpr std::size_t kListedMax = 60;

struct Opened {
  sweep::Study study;
  sweep::Plan plan;
  std::unique_ptr<db::Store> store;  ///< Null where no database exists yet.
  std::vector<std::string> pending;  ///< Data sets that are not imported: stand-in digests.
};

/// Errors: as `load`, and those of the database.
Opened open_study(const StudyOptions& options);

/// The plan whose trials fill the paper's tables.
struct PaperPlan {
  sweep::Plan plan;
  std::unique_ptr<db::Store> store;  ///< Null where no database exists yet.
  std::string command;               ///< What fills the missing cells: "reprise run studies/paper".
};

/// `study`: a file or folder, or a name in the workspace's database. Empty: what the database holds
/// of the paper's studies, else the folder studies/paper. Errors: InvalidInput where there is none,
/// or several to choose from.
PaperPlan open_paper_plan(const std::string& study, const std::string& workspace);

/// The read-only database of a workspace. Errors: InvalidInput where there is none.
std::unique_ptr<db::Store> require_store(const std::string& workspace);

}  // namespace reprise::cli
