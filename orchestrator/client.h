#pragma once
/// Speaks to the coordinator of a workspace over HTTP, for commands and tools.

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <string>

#include "orchestrator/coordinator_file.h"

namespace reprise {

/// True while a process holds the workspace's lock: a coordinator runs there.
bool is_held(const std::filesystem::path& workspace);

class Client {
 public:
  /// Errors: InvalidInput if no coordinator runs in the workspace, Corrupt.
  explicit Client(const std::filesystem::path& workspace)
      : Client(read_coordinator_file(workspace)) {}
  explicit Client(CoordinatorAddress address) : address_(std::move(address)) {}

  /// The body of the answer to `GET target`. Errors: Unavailable if nobody answers within ten
  /// seconds (a coordinator that was killed leaves its address behind) or somebody with another
  /// certificate does, InvalidInput with the
  /// coordinator's words if it refuses.
  [[nodiscard]] std::string get(const std::string& target) const;
  /// The same for `POST target`; who asks is added to the body.
  boost::json::object post(const std::string& target, boost::json::object body) const;

  [[nodiscard]] const CoordinatorAddress& address() const { return address_; }

 private:
  [[nodiscard]] std::string ask(const char* method, const std::string& target,
                                const std::string& body) const;

  CoordinatorAddress address_;
};

}  // namespace reprise
