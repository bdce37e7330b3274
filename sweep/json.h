#pragma once
/// Canonical JSON: one text for one value, so that equal configurations have equal digests.

#include <boost/json/value.hpp>
#include <string>

namespace reprise::sweep {

/// Keys sorted bytewise, no white space, integers as such, other numbers by the shortest text that
/// reads back equal; a number with an integral value is written as an integer (1.0 equals 1).
/// Throws `Error` (InvalidInput) for NaN and infinities.
std::string canonical_json(const boost::json::value& value);

/// Parses text into a value; `where` names the source in the error. Errors: Corrupt.
boost::json::value parse_json(std::string_view text, std::string_view where);

}  // namespace reprise::sweep
