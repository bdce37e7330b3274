#include "orchestrator/cli/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

#include "sweep/printable.h"

namespace reprise::cli {
namespace {

namespace json = boost::json;

bool is_flat(const json::value& value) {
  if (value.is_object()) return value.get_object().empty();
  if (!value.is_array()) return true;
  const json::array& array = value.get_array();
  return std::all_of(array.begin(), array.end(),
                     [](const json::value& v) { return !v.is_object() && !v.is_array(); });
}

std::string shown(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string:
      return printable(value.get_string());
    case json::kind::double_:
      return fmt::format("{:.6g}", value.get_double());
    case json::kind::null:
      return "-";
    case json::kind::array: {
      std::string text;
      for (const json::value& item : value.get_array()) {
        if (!text.empty()) text += ", ";
        text += shown(item);
      }
      return text;
    }
    case json::kind::object:
      return "";
    default:
      return json::serialize(value);
  }
}

bool is_table(const json::array& rows) {
  return !rows.empty() && std::all_of(rows.begin(), rows.end(), [](const json::value& row) {
    if (!row.is_object()) return false;
    const json::object& object = row.get_object();
    return std::all_of(object.begin(), object.end(),
                       [](const auto& member) { return is_flat(member.value()); });
  });
}

void put_table(const json::array& rows, const std::string& indent, std::string& text) {
  std::vector<std::string> keys;
  for (const auto& member : rows[0].get_object()) keys.emplace_back(member.key());
  std::vector<std::vector<std::string>> grid = {{}};
  for (const std::string& key : keys) grid[0].push_back(printable(key));
  for (const json::value& row : rows) {
    std::vector<std::string> line;
    for (const std::string& key : keys) {
      const json::value* cell = row.get_object().if_contains(key);
      line.push_back(cell == nullptr ? "" : shown(*cell));
    }
    grid.push_back(std::move(line));
  }
  std::vector<std::size_t> widths(keys.size());
  for (const auto& line : grid) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : grid) {
    std::string out = indent;
    for (std::size_t i = 0; i < line.size(); ++i) {
      out += line[i];
      if (i + 1 < line.size()) out += std::string(widths[i] - line[i].size() + 2, ' ');
    }
    text += out + "\n";
  }
}

void put(const json::value& value, const std::string& indent, std::string& text);

void put_object(const json::object& object, const std::string& indent, std::string& text) {
  std::size_t width = 0;
  for (const auto& [key, value] : object) {
    if (is_flat(value)) width = std::max(width, key.size());
  }
  for (const auto& [key, value] : object) {
    const std::string name = printable(key);
    if (is_flat(value)) {
      text += fmt::format("{}{:<{}}  {}\n", indent, name, width, shown(value));
    } else {
      text += indent + name + ":\n";
      put(value, indent + "  ", text);
    }
  }
}

void put(const json::value& value, const std::string& indent, std::string& text) {
  if (value.is_object()) {
    put_object(value.get_object(), indent, text);
  } else if (value.is_array() && is_table(value.get_array())) {
    put_table(value.get_array(), indent, text);
  } else if (value.is_array()) {
    for (const json::value& item : value.get_array()) {
      put(item, indent, text);
      if (!is_flat(item) && item.is_object()) text += "\n";
    }
  } else {
    text += indent + shown(value) + "\n";
  }
}

}  // namespace

std::string json_text(const json::value& value) {
  std::string text;
  put(value, "", text);
  return text;
}

}  // namespace reprise::cli
