#pragma once
/// Sums a network's gradients over the ranks of a gang while its backward pass still computes the
/// rest of them.

#include <cstdint>
#include <vector>

#include "worker/collective.h"
#include "worker/flat_adam.h"

namespace reprise::worker {

/// Gradients travel in buckets, in the order in which the first backward pass gave them (rank 0's,
/// on all ranks): a bucket sets off as soon as all of it is there. The buckets, and with them every
/// rounding of a sum over more than two ranks, are the same in each pass and in each life of a
/// training, and each rank ends with the same bits.
class OverlappedSum {
 public:
  /// `adam` and `collective`, which can overlap, must outlive it. `bucket`: numbers to fill one.
  OverlappedSum(FlatAdam& adam, Collective& collective, std::int64_t bucket = kBucket);
  ~OverlappedSum();
  OverlappedSum(const OverlappedSum&) = delete;
  OverlappedSum& operator=(const OverlappedSum&) = delete;
  OverlappedSum(OverlappedSum&&) = delete;
  OverlappedSum& operator=(OverlappedSum&&) = delete;

  /// 2 MiB: what waits after the last gradient takes 17 ms on a network of a gigabit.
  static constexpr std::int64_t kBucket = std::int64_t{1} << 19U;

  /// The next backward pass is the last of this step: its gradients are whole.
  void begin();
  /// After that pass: `adam.gradients()` become the sums over ranks, its extra numbers included.
  /// Parameters have no gradient afterwards; one that had none counts 0.
  void finish();

 private:
  struct Hook;
  struct Bucket {
    torch::Tensor numbers;     ///< A piece of `buffer_`.
    std::int64_t missing = 0;  ///< Gradients that are not there yet.
    std::int64_t size = 0;     ///< Gradients in all.
  };

  /// Called by autograd for each parameter.
  void take(std::size_t parameter);
  void put(std::size_t parameter);
  void lay_out();
  /// Sets off the buckets before `end` that are whole and come next.
  void start_whole(std::size_t end);

  FlatAdam& adam_;
  Collective& collective_;
  std::int64_t bucket_;
  bool is_last_pass_ = false;
  std::vector<std::int64_t> order_;     ///< Parameters, as the first pass gave their gradients.
  torch::Tensor buffer_;                ///< All gradients in that order, then the extra numbers.
  torch::Tensor extra_;                 ///< A view of the end of it.
  std::vector<torch::Tensor> slots_;    ///< A parameter's place in it.
  std::vector<std::size_t> bucket_of_;  ///< A parameter's bucket.
  std::vector<bool> is_there_;          ///< Whether its gradient is in its slot.
  std::vector<Bucket> buckets_;
  std::vector<PendingSum> pending_;  ///< Of the buckets that set off.
};

}  // namespace reprise::worker
