#pragma once
/// Typed reading of TOML with errors that name file, line, key and value.
///
/// A reader looks at one or more tables laid over each other: the first that has a key gives its
/// value, so a trial's own settings cover those of the study's base without copying (a copy would
/// lose the line numbers). Every key that is read becomes known; `finish()` refuses all others,
/// with the nearest valid name.

#include <toml++/toml.h>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::sweep {

class TomlReader {
 public:
  /// `layers`: topmost first; they must outlive the reader. `path` is the dotted place of the
  /// table.
  TomlReader(std::string file, std::string path, std::vector<const toml::table*> layers);

  [[nodiscard]] bool has(std::string_view key);
  std::int64_t integer(std::string_view key, std::optional<std::int64_t> fallback, std::int64_t min,
                       std::int64_t max);
  double number(std::string_view key, std::optional<double> fallback, double min, double max);
  bool boolean(std::string_view key, bool fallback);
  std::string text(std::string_view key, std::optional<std::string> fallback);
  /// One of `choices`; the error hints at the nearest.
  std::string choice(std::string_view key, std::optional<std::string> fallback,
                     const std::vector<std::string>& choices);
  std::vector<std::int64_t> integers(std::string_view key, std::vector<std::int64_t> fallback,
                                     std::int64_t min, std::int64_t max);
  std::vector<std::string> texts(std::string_view key, std::vector<std::string> fallback);
  /// Any node, or null; the key becomes known.
  const toml::node* node(std::string_view key);
  /// A table below this one; missing in all layers gives an empty reader.
  TomlReader table(std::string_view key);
  /// An array of tables below this one (of the topmost layer that has it); missing gives none.
  std::vector<TomlReader> tables(std::string_view key);
  /// The keys of the topmost layer, all becoming known: for tables whose keys are names.
  std::vector<std::string> names();
  /// Refuses every key that was not read.
  void finish() const;

  /// Throws InvalidInput: "FILE:LINE: PATH.KEY: what".
  [[noreturn]] void fail(std::string_view key, const std::string& what) const;

  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::vector<const toml::table*>& layers() const { return layers_; }

 private:
  [[nodiscard]] const toml::node* find(std::string_view key) const;
  [[nodiscard]] std::string place(std::string_view key) const;
  [[noreturn]] void fail_type(std::string_view key, std::string_view expected) const;

  std::string file_;
  std::string path_;
  std::vector<const toml::table*> layers_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace reprise::sweep
