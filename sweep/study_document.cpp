#include "sweep/study_document.h"

#include <algorithm>

#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise::sweep {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIncludesMax = 64;

class Loader {
 public:
  explicit Loader(StudyDocument& document) : document_(document) {}

  // NOLINTNEXTLINE(misc-no-recursion): an include may include; circles are refused.
  void add(std::string text, const fs::path& path) {
    auto file = std::make_unique<DocumentFile>();
    file->path = path;
    file->text = std::move(text);
    file->table = parse(file->text, path);
    document_.files.push_back(std::move(file));
    const toml::table& table = document_.files.back()->table;
    open_.push_back(path.lexically_normal());
    if (const toml::node* includes = table.get("include")) follow(*includes, path);
    open_.pop_back();
  }

 private:
  static toml::table parse(const std::string& text, const fs::path& path) {
    if (text.size() > kStudyBytesMax) {
      throw_invalid(path.string() + ":1:1: is longer than 4 MiB: not a study");
    }
    try {
      return toml::parse(std::string_view(text), std::string_view(path.native()));
    } catch (const toml::parse_error& error) {
      throw_invalid(place_of(error.source(), path.string()) + ": " +
                    std::string(error.description()));
    }
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void follow(const toml::node& includes, const fs::path& from) {
    const auto refuse = [&](const toml::node& node, const std::string& what) {
      throw_invalid(place_of(node.source(), from.string()) + ": include = " + shown(node, true) +
                    ": " + what);
    };
    if (!includes.is_array()) refuse(includes, "must be a list of files");
    for (const toml::node& item : *includes.as_array()) {
      const auto* name = item.as_string();
      if (name == nullptr) refuse(item, "must be a file name");
      const fs::path path = (from.parent_path() / name->get()).lexically_normal();
      if (std::find(open_.begin(), open_.end(), path) != open_.end()) {
        refuse(item, "the files include each other in a circle");
      }
      const auto there = [&](const auto& file) { return file->path.lexically_normal() == path; };
      if (std::any_of(document_.files.begin(), document_.files.end(), there)) continue;
      if (document_.files.size() >= kIncludesMax) refuse(item, "more than 64 files");
      if (!fs::is_regular_file(path)) refuse(item, "no such file: " + path.string());
      add(read_study_text(path), path);
    }
  }

  StudyDocument& document_;
  std::vector<fs::path> open_;
};

}  // namespace

std::shared_ptr<const TomlReader::Values> StudyDocument::values() const {
  auto tables = std::make_shared<TomlReader::Values>();
  for (const auto& file : files) {
    const toml::node* found = file->table.get("values");
    if (found == nullptr) continue;
    if (!found->is_table()) {
      throw_invalid(place_of(found->source(), file->path.string()) + ": values: must be a table");
    }
    tables->push_back(found->as_table());
  }
  return tables;
}

std::string StudyDocument::text() const {
  std::string all = files.front()->text;
  for (std::size_t i = 1; i < files.size(); ++i) {
    all += "\n# included: " + files[i]->path.string() + "\n" + files[i]->text;
  }
  return all;
}

StudyDocument load_document(const std::string& text, const fs::path& path) {
  StudyDocument document;
  Loader(document).add(text, path);
  return document;
}

std::string read_study_text(const fs::path& path) {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (!error && bytes > kStudyBytesMax) {
    throw_invalid(path.string() + ":1:1: is " + std::to_string(bytes >> 20U) +
                  " MiB long, a study at most 4 MiB");
  }
  return read_file(path, kStudyBytesMax);
}

}  // namespace reprise::sweep
