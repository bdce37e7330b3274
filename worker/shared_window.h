#pragma once
/// Memory that all ranks of a node share (an MPI shared window), so that they hold one copy of a
/// data set. Knows nothing of LibTorch.

#include <cstddef>
#include <memory>
#include <span>

namespace reprise::worker {

/// How many ranks of the gang run on this node. Every rank calls it.
int ranks_on_node();

/// Every rank of the gang makes and destroys it at the same point of the program; while an
/// exception unwinds, which ends the gang, it is left to the end of the process.
class SharedWindow {
 public:
  /// Null, on every rank of the node alike, where the node's shared memory cannot hold `bytes`
  /// (/dev/shm is too small). Errors: Unavailable when MPI fails.
  static std::unique_ptr<SharedWindow> make(std::size_t bytes);
  ~SharedWindow();
  SharedWindow(const SharedWindow&) = delete;
  SharedWindow& operator=(const SharedWindow&) = delete;
  SharedWindow(SharedWindow&&) = delete;
  SharedWindow& operator=(SharedWindow&&) = delete;

  /// The same bytes on every rank of the node.
  [[nodiscard]] std::span<std::byte> bytes() const;
  /// True on the one rank of the node that fills the window.
  [[nodiscard]] bool is_leader() const;
  /// After it, every rank of the node sees what any of them wrote before it. Carries a flag from
  /// the leader to all, so that they learn whether it could fill the window.
  [[nodiscard]] bool publish(bool good) const;

 private:
  struct State;
  explicit SharedWindow(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace reprise::worker
