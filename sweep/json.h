#pragma once
/// Canonical JSON: one text for one value, so that equal configurations have equal digests.

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace reprise::sweep {

/// Keys sorted bytewise, no white space, integers as such, other numbers by the shortest text that
/// reads back equal; a number with an integral value is written as an integer (1.0 equals 1).
/// Throws `Error` (InvalidInput) for NaN and infinities.
std::string canonical_json(const boost::json::value& value);

/// Appends the same of an object or of a text, for what is put together piece by piece.
void append_canonical(std::string& out, const boost::json::object& object);
void append_canonical(std::string& out, std::string_view text);

/// Parses text into a value; `where` names the source in the error. Errors: Corrupt.
boost::json::value parse_json(std::string_view text, std::string_view where);

}  // namespace reprise::sweep
