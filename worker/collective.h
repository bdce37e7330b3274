#pragma once
/// Collectives over tensors: MPI for CPU tensors, NCCL for CUDA tensors, one interface.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/torch.h"
#include "worker/mpi.h"

namespace reprise::worker {

/// Every rank calls every function in the same order, from the training thread.
class Collective {
 public:
  explicit Collective(const MpiSession& mpi) : mpi_(mpi) {}
  virtual ~Collective() = default;
  Collective(const Collective&) = delete;
  Collective& operator=(const Collective&) = delete;
  Collective(Collective&&) = delete;
  Collective& operator=(Collective&&) = delete;

  [[nodiscard]] int rank() const { return mpi_.rank(); }
  [[nodiscard]] int size() const { return mpi_.size(); }

  /// In place; `values`: contiguous float32 or float64, any shape.
  virtual void all_reduce_sum(torch::Tensor& values) = 0;
  /// Whether `start_sum` sums while the caller computes.
  [[nodiscard]] virtual bool can_overlap() const { return false; }
  /// Begins `all_reduce_sum` of float32 values, which must stay and not be touched until it is
  /// over. Sums on their way may be passed by other collectives, but not by one another. Where
  /// nothing can overlap, the sum is over when this returns.
  [[nodiscard]] virtual PendingSum start_sum(torch::Tensor& values);
  /// In place; `values`: contiguous, any type and shape, the same on every rank.
  virtual void broadcast(torch::Tensor& values, int root) = 0;

  /// Text and order go over MPI on every device.
  [[nodiscard]] std::string broadcast_text(std::string text, int root) const {
    return mpi_.broadcast(std::move(text), root);
  }
  [[nodiscard]] std::vector<std::string> gather_text(std::string_view mine) const {
    return mpi_.gather(mine);
  }
  void barrier() const { mpi_.barrier(); }

 protected:
  [[nodiscard]] const MpiSession& mpi() const { return mpi_; }

 private:
  const MpiSession& mpi_;
};

/// The collective for tensors on `device`. `mpi` must outlive it.
/// Errors: InvalidInput for a CUDA device in a build without CUDA.
std::unique_ptr<Collective> make_collective(const MpiSession& mpi, const torch::Device& device);

/// A sum over ranks that autograd sees through: y = Σ_r x_r on every rank, so dL/dx_r = Σ_r dL_r/dy
/// where L = Σ_r L_r is the sum of the ranks' shares of a loss. Same shape and type as its input.
/// `collective` must outlive the function. One rank: the identity.
std::function<torch::Tensor(const torch::Tensor&)> sum_over_ranks(Collective& collective);

}  // namespace reprise::worker
