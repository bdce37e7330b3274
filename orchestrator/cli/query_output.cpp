#include "orchestrator/cli/query_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "sweep/printable.h"

namespace reprise::cli {
namespace {

std::string value_text(const db::QueryValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return "";
}

void put(std::FILE* file, const std::string& text) {
  (void)std::fwrite(text.data(), 1, text.size(), file);
}

class Csv : public QueryOutput {
 public:
  explicit Csv(std::FILE* file) : file_(file) {}
  void header(const std::vector<std::string>& names) override {
    line(names, [](const std::string& name) { return name; });
  }
  void row(const std::vector<db::QueryValue>& values) override { line(values, value_text); }

 private:
  template <typename Values, typename Text>
  void line(const Values& values, Text text) {
    std::string out;
    for (const auto& value : values)
      out += (&value == values.data() ? "" : ",") + quoted(text(value));
    put(file_, out + "\n");
  }
  static std::string quoted(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
  }

  std::FILE* file_;
};

class Json : public QueryOutput {
 public:
  explicit Json(std::FILE* file) : file_(file) {}
  void header(const std::vector<std::string>& names) override { names_ = names; }
  void row(const std::vector<db::QueryValue>& values) override {
    boost::json::object object;
    for (std::size_t i = 0; i < values.size(); ++i) {
      boost::json::value& value = object[names_[i]];
      if (const auto* number = std::get_if<std::int64_t>(&values[i])) value = *number;
      if (const auto* real = std::get_if<double>(&values[i])) value = *real;
      if (const auto* text = std::get_if<std::string>(&values[i])) value = *text;
    }
    put(file_, (first_ ? "[\n" : ",\n") + boost::json::serialize(object));
    first_ = false;
  }
  void finish() override { put(file_, first_ ? "[]\n" : "\n]\n"); }

 private:
  std::FILE* file_;
  std::vector<std::string> names_;
  bool first_ = true;
};

/// Columns as wide as their longest cell; long texts are cut.
class Aligned : public QueryOutput {
 public:
  explicit Aligned(std::FILE* file) : file_(file) {}
  void header(const std::vector<std::string>& names) override {
    auto& line = lines_.emplace_back();
    for (const std::string& name : names) line.push_back(printable(name));
  }
  void row(const std::vector<db::QueryValue>& values) override {
    auto& line = lines_.emplace_back();
    for (const db::QueryValue& value : values) {
      std::string text = value_text(value);
      std::replace(text.begin(), text.end(), '\n', ' ');
      text = printable(text);
      if (text.size() > kCellMax) text = text.substr(0, kCellMax - 3) + "...";
      line.push_back(std::move(text));
    }
  }
  void finish() override {
    std::vector<std::size_t> widths(lines_.front().size());
    for (const auto& line : lines_) {
      for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
    }
    for (const auto& line : lines_) {
      std::string out;
      for (std::size_t i = 0; i < line.size(); ++i) {
        out += fmt::format("{:<{}}", line[i], i + 1 < line.size() ? widths[i] + 2 : 0);
      }
      put(file_, out + "\n");
    }
  }

 private:
  static constexpr std::size_t kCellMax = 60;
  std::FILE* file_;
  std::vector<std::vector<std::string>> lines_;
};

}  // namespace

std::unique_ptr<QueryOutput> make_query_output(const std::string& format, std::FILE* file) {
  if (format == "csv") return std::make_unique<Csv>(file);
  if (format == "json") return std::make_unique<Json>(file);
  return std::make_unique<Aligned>(file);
}

}  // namespace reprise::cli
