#pragma once
/// Which hosts keep failing.

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace reprise::core {

struct HostOptions {
  int failures = 3;  ///< In a row, of at least two stages, while another host works.
  std::int64_t quarantine_ms = 600000;  ///< The first time; doubles.
};

class Hosts {
 public:
  explicit Hosts(const HostOptions& options) : options_(options) {}

  void seen(const std::string& host);
  void succeeded(const std::string& host);
  /// True if this failure is the one that puts the host into quarantine.
  bool failed(const std::string& host, std::size_t stage, std::int64_t now);
  [[nodiscard]] bool is_quarantined(const std::string& host, std::int64_t now) const;

 private:
  struct Host {
    int failures = 0;
    std::set<std::size_t> stages;  ///< That failed there in a row.
    std::int64_t until = 0;
    int times = 0;
  };
  HostOptions options_;
  std::map<std::string, Host> hosts_;
};

}  // namespace reprise::core
