#pragma once
/// Rank 0's line to the coordinator. Knows nothing of LibTorch or MPI.
///
/// A thread of its own keeps a WebSocket to the coordinator named in `coordinator.json` of the
/// workspace (read anew at every attempt; under TLS if it names a certificate), sends heartbeats,
/// repeats results until they are acknowledged, and takes in assignments and orders to stop.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "orchestrator/wire.h"

namespace reprise::worker {

struct LinkOptions {
  std::filesystem::path workspace;
  std::string gang;
  int ranks = 1;
  std::string device = "cpu";
  double lost_after_seconds = 5;    ///< Without a line for so long, a stage is stopped.
  double leave_after_seconds = 60;  ///< Without a line for so long, an idle gang leaves.
};

/// All functions may be called from any thread; signals SIGUSR1 and SIGTERM count as a Shutdown.
class Link {
 public:
  /// Installs the signal handlers and starts the thread.
  explicit Link(LinkOptions options);
  /// Closes the line.
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  Link(Link&&) = delete;
  Link& operator=(Link&&) = delete;

  /// Waits for the next stage, and begins its part of the gang's log with a line "== stage ID fence
  /// N: LABEL" on stderr. Nothing: the gang should leave.
  std::optional<wire::Assign> next_assignment();

  /// What the next heartbeats say of the present stage; its stage and fence are filled in.
  void report_progress(const wire::Heartbeat& progress);

  /// True once the present stage should checkpoint and stop: Revoke of its fence, Shutdown, a
  /// signal, or the line lost for too long.
  [[nodiscard]] bool stop_requested() const;

  /// Repeats `result` until it is acknowledged, and returns true; false where the stage was revoked
  /// or the line stayed lost.
  bool send_result(const wire::Result& result);
  /// The same while the gang goes on with its next stage. `acknowledged` is called from the line's
  /// thread, never if the stage was revoked, and must not call back. `next_assignment` waits for
  /// what is on its way before it lets the gang leave.
  void post_result(const wire::Result& result, std::function<void()> acknowledged);
  /// Repeats until it is acknowledged, waiting a while for a line.
  void send_failure(const wire::Failure& failure);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reprise::worker
