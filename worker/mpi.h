#pragma once
/// The gang's MPI session: who we are, and collectives over plain host memory.
///
/// Knows nothing of LibTorch. Every call is made from the thread that made the session
/// (MPI_THREAD_SERIALIZED is asked for because the coordinator's line has a thread of its own).

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::worker {

/// MPI_Init on construction, MPI_Finalize on destruction. Exactly one a process.
/// Errors: Unavailable when MPI cannot start or a call fails.
class MpiSession {
 public:
  MpiSession();
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
  MpiSession(MpiSession&&) = delete;
  MpiSession& operator=(MpiSession&&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }

  /// In-place sums over all ranks; every rank ends with the same bits.
  void sum(std::span<float> values) const;
  void sum(std::span<double> values) const;

  void broadcast(std::span<std::byte> bytes, int root) const;
  /// Every rank returns `root`'s text; the argument of the others is ignored.
  [[nodiscard]] std::string broadcast(std::string text, int root) const;
  /// At rank 0: one text a rank, in rank order. Elsewhere: empty.
  [[nodiscard]] std::vector<std::string> gather(std::string_view mine) const;
  void barrier() const;
  /// A barrier for long waits: sleeps between looks instead of spinning on a core.
  void quiet_barrier() const;

  /// Ends every rank at once; for failures that the other ranks cannot know of.
  [[noreturn]] static void abort(int exit_code);

 private:
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace reprise::worker
