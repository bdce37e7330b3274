#pragma once
/// Numbers as people read them.

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace reprise::cli {

/// "512 B", "1.5 KiB", "3.0 GiB".
inline std::string bytes_text(std::uintmax_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  const char* unit = "B";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return fmt::format("{:.1f} {}", value, unit);
}

}  // namespace reprise::cli
