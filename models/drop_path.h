#pragma once
/// Drop path (stochastic depth, Huang et al. 2016) as SwinIR has it: in training, each residual
/// branch of a Swin layer is left out for some samples, and scaled up for the others.

#include <cstdint>
#include <functional>
#include <vector>

#include "models/torch.h"

namespace reprise::models {

/// A uniform number in [0, 1) for a sample of the batch that goes in and a branch of the network
/// (2 for each layer). A function of its arguments and of what its maker captured (seed, step,
/// place in the global batch), so that masks do not depend on the gang.
using DropDraws = std::function<double(std::int64_t sample, std::int64_t branch)>;

/// A network that leaves branches out in training.
class HasDropPath {
 public:
  HasDropPath() = default;
  virtual ~HasDropPath() = default;
  HasDropPath(const HasDropPath&) = delete;
  HasDropPath& operator=(const HasDropPath&) = delete;
  HasDropPath(HasDropPath&&) = delete;
  HasDropPath& operator=(HasDropPath&&) = delete;

  /// Random numbers of the passes that follow; without them nothing is left out.
  virtual void set_drop_draws(DropDraws draws) = 0;
  /// The last layer's chance of leaving a branch out, in training.
  [[nodiscard]] virtual double drop_rate() const = 0;
};

/// Factors of the two residual branches of a layer, [B, 1, 1]: 0 or 1 / keep. Undefined: 1.
struct BranchFactors {
  torch::Tensor attention, mlp;
};

/// Factors of all `layers` for a batch: the chance of leaving a branch out rises from 0 at the
/// first layer to `rate` at the last.
std::vector<BranchFactors> drop_factors(double rate, std::size_t layers, std::int64_t batch,
                                        const DropDraws& draws,
                                        const torch::TensorOptions& options);

/// x + factor * branch.
torch::Tensor add_branch(const torch::Tensor& x, const torch::Tensor& branch,
                         const torch::Tensor& factor);

}  // namespace reprise::models
