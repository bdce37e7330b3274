#pragma once
/// The gang's MPI session: who we are, and collectives over plain host memory.
///
/// Knows nothing of LibTorch. Every call is made from the thread that made the session
/// (MPI_THREAD_SERIALIZED is asked for because the coordinator's line has a thread of its own).

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::worker {

/// A sum over all ranks that is on its way.
class PendingSum {
 public:
  /// None: it is over.
  PendingSum();
  PendingSum(PendingSum&&) noexcept;
  PendingSum& operator=(PendingSum&&) = delete;
  PendingSum(const PendingSum&) = delete;
  PendingSum& operator=(const PendingSum&) = delete;
  /// Waits.
  ~PendingSum();
  /// Moves it on without waiting: it moves only inside of calls of MPI.
  void advance();
  /// Until the values are the sums.
  void wait();

 private:
  friend class MpiSession;
  struct Requests;
  explicit PendingSum(std::unique_ptr<Requests> requests);
  std::unique_ptr<Requests> requests_;
};

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

  /// Begins a sum of values that nobody touches until it is over. Every rank begins the same sums
  /// in the same order; between them it may call what it likes.
  [[nodiscard]] PendingSum start_sum(std::span<float> values) const;

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
  struct Background;
  std::unique_ptr<Background> background_;  ///< What pending sums travel on.
};

}  // namespace reprise::worker
