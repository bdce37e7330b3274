#include "orchestrator/cli/opened_study.h"

#include <algorithm>

#include "dashboards/coverage.h"
#include "orchestrator/cli/search_progress.h"
#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPaperStudies = "studies/paper";

std::unique_ptr<db::Store> open_store(const std::string& workspace) {
  const fs::path path = fs::path(workspace) / "reprise.db";
  if (!fs::exists(path)) return nullptr;
  return std::make_unique<db::Store>(path, db::Access::ReadOnly);
}

std::string run_command(const std::string& study, const std::string& workspace) {
  return "reprise run " + study + (workspace == "workspace" ? "" : " -w " + workspace);
}

std::size_t covered(const sweep::Plan& plan) {
  const auto cells = dashboards::cell_sources(plan);
  return static_cast<std::size_t>(std::count_if(
      cells.begin(), cells.end(), [](const auto& cell) { return !cell.stage.empty(); }));
}

/// The study of the database that fills most of the paper's cells.
std::string choose_study(const db::Store& store) {
  std::size_t most = 0;
  std::vector<std::string> best;
  for (const std::string& name : store.studies()) {
    const std::size_t cells = covered(*store.plan(name));
    if (cells == 0 || cells < most) continue;
    if (cells > most) best.clear();
    most = cells;
    best.push_back(name);
  }
  if (best.empty()) return "";
  if (best.size() == 1) return best.front();
  std::string names;
  for (const std::string& name : best) names += (names.empty() ? "" : ", ") + name;
  throw_invalid("several studies of the workspace fill the paper's tables: choose one of " + names +
                " with --study");
}

}  // namespace

Opened open_study(const StudyOptions& options) {
  Opened opened;
  opened.study = load(options);
  const auto digests = digests_or_pending(opened.study, options.workspace);
  for (const auto& [name, digest] : digests) {
    if (digest.rfind("pending:", 0) == 0) opened.pending.push_back(name);
  }
  opened.plan = sweep::make_plan(opened.study, digests);
  opened.store = open_store(options.workspace);
  // Of a search: also the trials that the results so far decide.
  sweep::Observations known;
  while (!opened.study.searches.empty() && opened.store != nullptr) {
    auto next = observe(*opened.store, opened.study, opened.plan, Missing::Failed);
    if (next == known) break;
    known = std::move(next);
    opened.study = load(options, known);
    opened.plan = sweep::make_plan(opened.study, digests);
  }
  return opened;
}

PaperPlan open_paper_plan(const std::string& study, const std::string& workspace) {
  PaperPlan paper;
  paper.store = open_store(workspace);
  std::string name = study;
  if (name.empty() && paper.store != nullptr) name = choose_study(*paper.store);
  if (name.empty()) name = kPaperStudies;
  if (fs::exists(name)) {
    StudyOptions options;
    options.study = name;
    options.workspace = workspace;
    paper.plan = open_study(options).plan;
    paper.command = run_command(name, workspace);
    return paper;
  }
  const std::vector<std::string> known =
      paper.store == nullptr ? std::vector<std::string>{} : paper.store->studies();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    throw_invalid((study.empty()
                       ? "no study of the paper's tables: give one with --study"
                       : "--study " + study + ": no such file, folder or study of " + workspace) +
                  sweep::nearest_hint(name, known));
  }
  paper.plan = *paper.store->plan(name);
  paper.command = run_command("studies/" + name, workspace);
  return paper;
}

std::unique_ptr<db::Store> require_store(const std::string& workspace) {
  std::unique_ptr<db::Store> store = open_store(workspace);
  if (store == nullptr) {
    throw_invalid((fs::path(workspace) / "reprise.db").string() +
                  ": no database yet; fill it with: reprise run STUDY -w " + workspace);
  }
  return store;
}

}  // namespace reprise::cli
