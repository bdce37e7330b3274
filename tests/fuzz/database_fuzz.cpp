/// Any bytes as a results database: all that is ever read from it is read, or refused with an Error
/// that does not call it a bug of ours.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "db/maintenance.h"
#include "db/store.h"
#include "sweep/error.h"
#include "tests/fuzz/require.h"
#include "tests/support/temp_dir.h"

namespace {

namespace db = reprise::db;
namespace fs = std::filesystem;

/// SQLite wants a name beside which it can put others.
fs::path fill(const reprise::testing::TempDir& folder, std::string_view bytes) {
  fs::path file = folder / "reprise.db";
  for (const char* more : {"-wal", "-shm", "-journal"}) fs::remove(file.string() + more);
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

template <typename Read>
void allow_errors(const Read& read) {
  try {
    read();
  } catch (const reprise::Error& error) {
    if (error.code() == reprise::ErrorCode::Internal) (void)std::fputs(error.what(), stderr);
    reprise::fuzz::require(error.code() != reprise::ErrorCode::Internal);
  }
}

void read_stage(const db::Store& store, const std::string& id) {
  allow_errors([&] { (void)store.result(id); });
  allow_errors([&] { (void)store.slice_values(id, "PSNR"); });
  allow_errors([&] { (void)store.scalars(id); });
  allow_errors([&] { (void)store.stage(id); });
  (void)store.attempts(id);
  (void)store.failures(id);
  (void)store.metric_summaries(id);
  (void)store.users_of(id);
}

void read_study(const db::Store& store, const std::string& study) {
  (void)store.study_text(study);
  (void)store.planned_at(study);
  (void)store.done_stages(study);
  (void)store.study_attempts(study);
  const auto plan = store.plan(study);
  if (!plan) return;
  for (const auto& stage : plan->stages) read_stage(store, stage.id);
}

void read_all(const fs::path& file) {
  const db::Store store(file, db::Access::ReadOnly);
  allow_errors([&] { (void)store.datasets(); });
  allow_errors([&] { (void)store.open_attempts(); });
  allow_errors([&] { (void)store.artifact_digests(); });
  allow_errors([&] { (void)store.cost_samples(); });
  allow_errors([&] { (void)store.events(10); });
  for (const std::string& study : store.studies()) allow_errors([&] { read_study(store, study); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const reprise::testing::TempDir scratch;
  const fs::path file = fill(scratch, {reinterpret_cast<const char*>(data), size});
  allow_errors([&] { read_all(file); });
  allow_errors([&] { (void)db::check(file); });
  return 0;
}
