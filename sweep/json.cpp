#include "sweep/json.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "sweep/error.h"

namespace reprise::sweep {
namespace {

namespace json = boost::json;

void append_number(std::string& out, double number) {
  if (!std::isfinite(number)) throw_invalid("a configuration cannot hold NaN or infinity");
  constexpr double kExactMax = 9007199254740992.0;  // 2^53: integers up to here are exact.
  std::array<char, 64> buffer{};
  if (std::trunc(number) == number && std::abs(number) < kExactMax) {
    out += std::to_string(static_cast<std::int64_t>(number));
    return;
  }
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  REPRISE_CHECK(error == std::errc());
  out.append(buffer.data(), end);
}

void append(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::object: {
      std::vector<json::string_view> keys;
      for (const auto& member : value.get_object()) keys.push_back(member.key());
      std::sort(keys.begin(), keys.end());
      out += '{';
      for (std::size_t i = 0; i < keys.size(); ++i) {
        if (i > 0) out += ',';
        out += json::serialize(keys[i]);
        out += ':';
        append(out, value.get_object().at(keys[i]));
      }
      out += '}';
      return;
    }
    case json::kind::array: {
      out += '[';
      bool first = true;
      for (const json::value& item : value.get_array()) {
        if (!first) out += ',';
        first = false;
        append(out, item);
      }
      out += ']';
      return;
    }
    case json::kind::double_:
      append_number(out, value.get_double());
      return;
    default:
      out += json::serialize(value);
  }
}

}  // namespace

std::string canonical_json(const json::value& value) {
  std::string text;
  append(text, value);
  return text;
}

json::value parse_json(std::string_view text, std::string_view where) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error) throw_corrupt(std::string(where) + ": not JSON: " + error.message());
  return value;
}

}  // namespace reprise::sweep
