#pragma once
/// JSON as text for a terminal: the same facts, aligned.

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace reprise::cli {

/// Objects become "key  value" lines, lists of flat objects become tables with a head, everything
/// else is indented below its key. Control characters are shown as "?".
std::string json_text(const boost::json::value& value);

/// A terminal obeys control characters, and names come from files: they become "?".
std::string printable(std::string_view text);

}  // namespace reprise::cli
