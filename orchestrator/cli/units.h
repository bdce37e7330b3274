#pragma once
/// Numbers as people read them.

#include <fmt/format.h>

#include <cmath>
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

/// "3.2 s", "48 s", "12 min", "2.3 h", "4.1 days"; "-" for what is not finite.
inline std::string duration_text(double seconds) {
  if (!std::isfinite(seconds)) return "-";
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 172800) return fmt::format("{:.1f} h", seconds / 3600);
  return fmt::format("{:.1f} days", seconds / 86400);
}

}  // namespace reprise::cli
