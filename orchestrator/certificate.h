#pragma once
/// What a coordinator needs to be reached from beyond this machine: a certificate of its own, and
/// the rule when it must be used.
///
/// WORKSPACE/tls/certificate.pem (for browsers, curl and Prometheus to be told to trust) and
/// WORKSPACE/tls/key.pem (mode 0600). They stay, so that a browser's exception does too, and are
/// replaced where they are damaged, expire within a month, or do not name this host.

#include <boost/asio/ssl/context.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace reprise {

struct Certificate {
  std::string certificate_pem, key_pem;
  std::string fingerprint;  ///< SHA-256, hexadecimal digits.
};

/// Names `host` (a name or an address) and "localhost". Errors: Unavailable.
Certificate make_certificate(const std::string& host);
/// The workspace's, made anew where it does not serve. Errors: Unavailable, Exhausted.
Certificate workspace_certificate(const std::filesystem::path& workspace, const std::string& host);

/// What a server shows who has it. Errors: Unavailable.
boost::asio::ssl::context server_context(const Certificate& certificate);

/// How a port that listens on `bind` is spoken to.
struct Identity {
  std::string host;  ///< What others connect to: `bind`, or this machine's name for 0.0.0.0 and ::.
  std::vector<std::string> names;  ///< What requests may call this host, as URLs write it.
  std::shared_ptr<boost::asio::ssl::context> tls;  ///< Empty: plain text.
  std::string fingerprint;                         ///< Empty: plain text.
};

/// Plain text is for loopback only, and not even there if `always_tls`.
/// Errors: InvalidInput (not an address), Unavailable (no certificate can be written, or this
/// machine's name has no address), Exhausted.
Identity identity_of(const std::filesystem::path& workspace, const std::string& bind,
                     bool always_tls);

}  // namespace reprise
