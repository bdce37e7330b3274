#include "orchestrator/garbage.h"

#include <algorithm>

#include "sweep/error.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

class Search {
 public:
  Search(const db::Store& store, fs::path workspace, std::chrono::seconds untouched_for)
      : store_(store),
        workspace_(std::move(workspace)),
        planned_(store.planned_stages()),
        needed_(store.artifact_digests()),
        before_(fs::file_time_type::clock::now() - untouched_for) {}

  std::vector<Garbage> run() {
    checkpoints();
    objects();
    leftovers(workspace_, false);
    for (const char* folder : {"datasets", "slurm", "figures"})
      leftovers(workspace_ / folder, true);
    std::sort(found_.begin(), found_.end(),
              [](const Garbage& a, const Garbage& b) { return a.path < b.path; });
    return std::move(found_);
  }

 private:
  static std::vector<fs::directory_entry> entries(const fs::path& folder) {
    std::vector<fs::directory_entry> list;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      list.push_back(*at);
    }
    if (error && error != std::errc::no_such_file_or_directory) {
      throw Error(ErrorCode::Unavailable, folder.string() + ": cannot read: " + error.message());
    }
    return list;
  }

  static bool is_temporary(const fs::path& path) {
    const std::string name = path.filename().string();
    const std::size_t at = name.rfind(".tmp");
    return at != std::string::npos && at + 4 < name.size() &&
           name.find_first_not_of("0123456789-", at + 4) == std::string::npos;
  }

  /// A link counts as itself: what it leads to is not ours.
  static std::uintmax_t bytes_of(const fs::path& path) {
    std::error_code error;
    if (fs::is_symlink(path, error)) return 0;
    if (!fs::is_directory(path, error)) {
      const std::uintmax_t bytes = fs::file_size(path, error);
      return error ? 0 : bytes;
    }
    std::uintmax_t sum = 0;
    for (const auto& entry : entries(path)) sum += bytes_of(entry.path());
    return sum;
  }

  /// Of a folder: nothing in it is younger.
  [[nodiscard]] bool is_old(const fs::path& path) const {
    std::error_code error;
    const auto time = fs::last_write_time(path, error);
    if (error || time > before_) return false;
    if (fs::is_symlink(path, error) || !fs::is_directory(path, error)) return true;
    const auto inside = entries(path);
    return std::all_of(inside.begin(), inside.end(),
                       [this](const auto& entry) { return is_old(entry.path()); });
  }

  void add(const fs::path& path, std::string why) {
    found_.push_back({path, bytes_of(path), std::move(why)});
  }

  void checkpoints() {
    for (const auto& entry : entries(workspace_ / "checkpoints")) {
      std::string stage = entry.path().filename().string();
      // The last state of a shorter training of a search: longer ones go on from it.
      const bool is_kept = stage.ends_with("-kept");
      if (is_kept) stage.resize(stage.size() - std::string_view("-kept").size());
      if (store_.is_done(stage) && !is_kept) {
        add(entry.path(), "its stage has its result");
      } else if (!planned_.contains(stage) && is_old(entry.path())) {
        add(entry.path(), "no study has its stage");
      } else {
        leftovers(entry.path(), false);
      }
    }
  }

  void objects() {
    for (const auto& entry : entries(workspace_ / "objects")) {
      if (is_temporary(entry.path())) {
        if (is_old(entry.path())) add(entry.path(), "left by a writer that died");
      } else if (!needed_.contains(entry.path().stem().string()) && is_old(entry.path())) {
        add(entry.path(), "no result names it");
      }
    }
  }

  void leftovers(const fs::path& folder, bool deep) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) return;
    for (const auto& entry : entries(folder)) {
      if (is_temporary(entry.path()) && is_old(entry.path())) {
        add(entry.path(), "left by a writer that died");
      } else if (deep && !entry.is_symlink(error) && entry.is_directory(error)) {
        leftovers(entry.path(), true);
      }
    }
  }

  const db::Store& store_;
  fs::path workspace_;
  std::set<std::string> planned_, needed_;
  fs::file_time_type before_;
  std::vector<Garbage> found_;
};

}  // namespace

std::vector<Garbage> find_garbage(const db::Store& store, const fs::path& workspace,
                                  std::chrono::seconds untouched_for) {
  return Search(store, workspace, untouched_for).run();
}

void remove_garbage(const Garbage& garbage, const fs::path& workspace) {
  const fs::path inside = garbage.path.lexically_normal().lexically_relative(workspace);
  REPRISE_CHECK(!inside.empty() && *inside.begin() != ".." && *inside.begin() != ".");
  std::error_code error;
  fs::remove_all(garbage.path, error);
  if (error) {
    throw Error(ErrorCode::Unavailable,
                garbage.path.string() + ": cannot remove: " + error.message());
  }
}

}  // namespace reprise
