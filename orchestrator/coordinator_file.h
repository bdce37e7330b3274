#pragma once
/// WORKSPACE/coordinator.json: where a coordinator listens, and what its gangs and people need to
/// trust it and to be trusted. Readable by its owner only.

#include <filesystem>
#include <string>

namespace reprise {

/// `token` may act, `view_token` may only look.
struct CoordinatorAddress {
  std::string host;
  int port = 0;
  std::string token, view_token;
  int pid = 0;
  std::string fingerprint;  ///< SHA-256 of its certificate; empty: plain text, on loopback.
};

/// Errors: Unavailable, Exhausted.
void write_coordinator_file(const std::filesystem::path& workspace,
                            const CoordinatorAddress& address);
/// Errors: InvalidInput if no coordinator runs there, Corrupt.
CoordinatorAddress read_coordinator_file(const std::filesystem::path& workspace);
void remove_coordinator_file(const std::filesystem::path& workspace);

/// A host as URLs write it: an IPv6 address stands in brackets.
std::string url_host(const std::string& host);
/// "HOST:PORT", as in a URL.
std::string authority(const CoordinatorAddress& address);
/// "http://HOST:PORT" or "https://HOST:PORT".
std::string base_url(const CoordinatorAddress& address);

}  // namespace reprise
