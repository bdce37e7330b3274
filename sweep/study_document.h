#pragma once
/// A study file with the files it includes, as TOML. Internal to sweep/.

#include <toml++/toml.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sweep/toml_reader.h"

namespace reprise::sweep {

/// A study is at most so many bytes long: a larger one is not a study.
inline constexpr std::size_t kStudyBytesMax = 4U << 20U;

struct DocumentFile {
  std::filesystem::path path;
  std::string text;
  toml::table table;
};

/// The study's file first, then what it includes, each after the file that names it.
struct StudyDocument {
  std::vector<std::unique_ptr<DocumentFile>> files;

  /// The [values] tables, topmost first.
  [[nodiscard]] std::shared_ptr<const TomlReader::Values> values() const;
  /// All texts, each under a comment that names its file.
  [[nodiscard]] std::string text() const;
};

/// The text of a study file. Errors: InvalidInput where it is missing or longer than
/// `kStudyBytesMax`.
std::string read_study_text(const std::filesystem::path& path);

/// Errors: InvalidInput naming file, line and column for TOML that does not parse, an include that
/// is missing or includes itself, and files that are too long.
StudyDocument load_document(const std::string& text, const std::filesystem::path& path);

}  // namespace reprise::sweep
