#include "orchestrator/core_hosts.h"

#include <algorithm>

namespace reprise::core {

void Hosts::seen(const std::string& host) { hosts_[host]; }

void Hosts::succeeded(const std::string& host) {
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) return;
  found->second.failures = 0;
  found->second.stages.clear();
}

bool Hosts::failed(const std::string& name, std::size_t stage, std::int64_t now) {
  if (name.empty()) return false;
  Host& host = hosts_[name];
  if (host.until > now) return false;
  ++host.failures;
  host.stages.insert(stage);
  // One stage that fails everywhere condemns no host, and the last host is never given up.
  const bool another_works = std::any_of(hosts_.begin(), hosts_.end(), [&](const auto& other) {
    return other.first != name && other.second.until <= now &&
           other.second.failures < options_.failures;
  });
  if (host.failures < options_.failures || host.stages.size() < 2 || !another_works) return false;
  host.until = now + (options_.quarantine_ms << std::min(host.times, 6));
  ++host.times;
  host.failures = 0;
  host.stages.clear();
  return true;
}

bool Hosts::is_quarantined(const std::string& host, std::int64_t now) const {
  const auto found = hosts_.find(host);
  return found != hosts_.end() && found->second.until > now;
}

}  // namespace reprise::core
