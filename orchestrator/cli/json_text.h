#pragma once
/// JSON as text for a terminal: the same facts, aligned.

#include <boost/json/value.hpp>
#include <string>

namespace reprise::cli {

/// Objects become "key  value" lines, lists of flat objects become tables with a head, everything
/// else is indented below its key. Control characters are shown as escapes.
std::string json_text(const boost::json::value& value);

}  // namespace reprise::cli
