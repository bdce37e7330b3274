#include "sweep/json.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <span>
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

/// Most texts are names and digests, which need no escapes.
void append_text(std::string& out, json::string_view text) {
  unsigned escapes = 0;  // Without a branch a character, so that it is done many at a time.
  for (const char c : text) {
    escapes |= static_cast<unsigned>(c < ' ') | static_cast<unsigned>(c > '~') |
               static_cast<unsigned>(c == '"') | static_cast<unsigned>(c == '\\');
  }
  if (escapes != 0) {
    out += json::serialize(text);
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

template <typename Integer>
void append_integer(std::string& out, Integer number) {
  std::array<char, 24> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  REPRISE_CHECK(error == std::errc());
  out.append(buffer.data(), end);
}

void append(std::string& out, const json::value& value);

void append_object(std::string& out, const json::object& object) {
  // Objects of configurations are small: their order needs no memory of its own.
  std::array<const json::key_value_pair*, 32> few;
  std::vector<const json::key_value_pair*> many(object.size() > few.size() ? object.size() : 0);
  const std::span<const json::key_value_pair*> members(many.empty() ? few.data() : many.data(),
                                                       object.size());
  std::transform(object.begin(), object.end(), members.begin(),
                 [](const auto& member) { return &member; });
  std::sort(members.begin(), members.end(),
            [](const auto* a, const auto* b) { return a->key() < b->key(); });
  out += '{';
  bool first = true;
  for (const json::key_value_pair* member : members) {
    if (!first) out += ',';
    first = false;
    append_text(out, member->key());
    out += ':';
    append(out, member->value());
  }
  out += '}';
}

void append(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::object:
      append_object(out, value.get_object());
      return;
    case json::kind::string:
      append_text(out, value.get_string());
      return;
    case json::kind::int64:
      append_integer(out, value.get_int64());
      return;
    case json::kind::uint64:
      append_integer(out, value.get_uint64());
      return;
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

void append_canonical(std::string& out, const json::object& object) { append_object(out, object); }

void append_canonical(std::string& out, std::string_view text) { append_text(out, text); }

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
