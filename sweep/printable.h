#pragma once
/// Names and messages come from files and from the network: a terminal or a log must not obey what
/// is in them. Whatever is printed of them goes through here.

#include <string>
#include <string_view>

namespace reprise {

/// One line: a line feed becomes "\n", every other control character (C0, DEL, C1) "\u001b".
/// What is printable already stays, so it may be done twice.
std::string printable(std::string_view text);

}  // namespace reprise
