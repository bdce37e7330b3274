#include "sweep/printable.h"

#include <array>
#include <cstdio>

namespace reprise {

std::string printable(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool second_set = c == 0xc2 && next >= 0x80 && next < 0xa0;  // C1, in UTF-8.
    if (c == '\n') {
      line += "\\n";
    } else if (c < 0x20 || c == 0x7f || second_set) {
      std::array<char, 8> escape{};
      (void)std::snprintf(escape.data(), escape.size(), "\\u%04x", second_set ? next : c);
      line += escape.data();
      if (second_set) ++i;
    } else {
      line += text[i];
    }
  }
  return line;
}

}  // namespace reprise
