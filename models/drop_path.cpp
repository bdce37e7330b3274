#include "models/drop_path.h"

namespace reprise::models {

std::vector<BranchFactors> drop_factors(double rate, std::size_t layers, std::int64_t batch,
                                        const DropDraws& draws,
                                        const torch::TensorOptions& options) {
  std::vector<BranchFactors> factors(layers);
  const auto count = static_cast<std::int64_t>(layers);
  torch::Tensor all = torch::ones({2 * count, batch, 1, 1});
  auto* values = all.data_ptr<float>();
  for (std::int64_t branch = 0; branch < 2 * count; ++branch) {
    // torch.linspace(0, rate, layers): a single layer has rate 0.
    const double chance =
        count < 2 ? 0 : rate * static_cast<double>(branch / 2) / static_cast<double>(count - 1);
    for (std::int64_t sample = 0; sample < batch && chance > 0; ++sample) {
      const bool is_kept = draws(sample, branch) >= chance;
      values[branch * batch + sample] = is_kept ? static_cast<float>(1 / (1 - chance)) : 0.F;
    }
  }
  all = all.to(options.device());
  for (std::int64_t layer = 1; layer < count; ++layer) {  // The first is never left out.
    factors[static_cast<std::size_t>(layer)] = {.attention = all[2 * layer],
                                                .mlp = all[2 * layer + 1]};
  }
  return factors;
}

torch::Tensor add_branch(const torch::Tensor& x, const torch::Tensor& branch,
                         const torch::Tensor& factor) {
  return factor.defined() ? x + branch * factor : x + branch;
}

}  // namespace reprise::models
