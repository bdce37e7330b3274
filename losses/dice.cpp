#include "losses/dice.h"

namespace reprise::losses {

torch::Tensor dice_loss(const torch::Tensor& logits, const torch::Tensor& labels,
                        const std::vector<std::int64_t>& classes, const models::SumOverRanks& sum) {
  const auto count = logits.size(1);
  const bool is_short = logits.scalar_type() == torch::kBFloat16;
  const torch::Tensor p = torch::softmax(is_short ? logits.to(torch::kFloat32) : logits, 1);
  const torch::Tensor t =
      torch::one_hot(labels.to(torch::kInt64), count).permute({0, 3, 1, 2}).to(p.scalar_type());
  const std::vector<std::int64_t> all_but_classes = {0, 2, 3};
  torch::Tensor sums = torch::stack(
      {(p * t).sum(all_but_classes), p.sum(all_but_classes), t.sum(all_but_classes)});  // [3, K]
  if (sum) sums = sum(sums);
  const torch::Tensor score = 2 * sums[0] / (sums[1] + sums[2]).clamp_min(1e-7);
  const torch::Tensor present = (sums[2] > 0).to(p.scalar_type());
  torch::Tensor loss = (1 - score) * present;
  if (classes.empty()) return loss.mean();
  std::vector<torch::Tensor> picked;  // By views: indices would have to travel to the device.
  for (const auto index : classes) picked.push_back(loss[index]);
  return torch::stack(picked).mean();
}

}  // namespace reprise::losses
