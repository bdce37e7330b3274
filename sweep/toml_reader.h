#pragma once
/// Typed reading of TOML with errors that name file, line, column, key and value.
///
/// A reader looks at one or more tables laid over each other: the first that has a key gives its
/// value, so a trial's own settings cover those of the study's base without copying (a copy would
/// lose the line numbers). Above the tables lies an overlay of single dotted keys, the values that
/// an axis gives a trial. A text "${NAME}" stands for the value NAME of the study's [values].
/// Every key that is read becomes known; `finish()` refuses all others, with the nearest valid
/// name.

#include <toml++/toml.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::sweep {

/// One value laid over the tables: `key` is dotted and relative to the reader's table.
struct Overlay {
  std::string key;
  const toml::node* node = nullptr;  ///< Outlives the reader.
  toml::source_region source;        ///< Where the value was declared: for errors.
};

/// "FILE:LINE:COLUMN", as far as known; `file` where the region names none.
std::string place_of(const toml::source_region& source, const std::string& file);

class TomlReader {
 public:
  using Values = std::vector<const toml::table*>;

  /// `layers`: topmost first; they and `values` must outlive the reader. `path` is the dotted place
  /// of the table.
  TomlReader(std::string file, std::string path, std::vector<const toml::table*> layers,
             std::shared_ptr<const Values> values = nullptr, std::vector<Overlay> overlay = {});

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

  /// Throws InvalidInput: "FILE:LINE:COLUMN: PATH.KEY = VALUE: what".
  [[noreturn]] void fail(std::string_view key, const std::string& what) const;

  /// Where the value of `key` stands; where it is not set, the table that would hold it. Lines of
  /// nothing are 0.
  [[nodiscard]] toml::source_region source(std::string_view key) const;

  /// "FILE:LINE:COLUMN" of a setting by its dotted name; where it is not set, of the table that
  /// would hold it.
  [[nodiscard]] std::string where(const std::string& dotted) const;

  /// The value that a text "${NAME}" stands for, else the node itself.
  const toml::node* resolve(const toml::node* node) const;

  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::vector<const toml::table*>& layers() const { return layers_; }
  [[nodiscard]] const std::shared_ptr<const Values>& values() const { return values_; }

 private:
  [[nodiscard]] const toml::node* find(std::string_view key) const;
  [[nodiscard]] std::string place(std::string_view key) const;
  [[noreturn]] void fail_type(std::string_view key, std::string_view expected) const;

  std::string file_;
  std::string path_;
  std::vector<const toml::table*> layers_;
  std::shared_ptr<const Values> values_;
  std::vector<Overlay> overlay_;
  std::vector<std::string> known_;  ///< Keys that were read, some of them often: short and few.
};

/// A value as it stands in an error or a label: texts in quotes only where `quoted`.
std::string shown(const toml::node& node, bool quoted);

}  // namespace reprise::sweep
