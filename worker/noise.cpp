#include "worker/noise.h"

#include <array>
#include <numbers>

#include "worker/sampling.h"

namespace reprise::worker {
namespace {

constexpr std::int64_t kWord = 0xFFFFFFFF;

/// High and low word of a 32 x 32 bit product; int64 wraps as uint64 does, bit for bit.
struct Product {
  torch::Tensor high;
  torch::Tensor low;
};
Product multiply(const torch::Tensor& words, std::int64_t factor) {
  const auto product = words * factor;
  return {.high = product.bitwise_right_shift(32).bitwise_and(kWord),
          .low = product.bitwise_and(kWord)};
}

}  // namespace

torch::Tensor noise_on_device(std::uint64_t seed, std::int64_t step, std::int64_t first,
                              at::IntArrayRef shape, const torch::Device& device) {
  const std::int64_t samples = shape[0];
  const std::int64_t each = c10::multiply_integers(shape) / samples;
  const std::int64_t pairs = (each + 1) / 2;
  const auto options = torch::TensorOptions(torch::kInt64).device(device);
  // Philox4x32-10, as `philox` computes it, for every (sample, pair).
  const std::uint64_t key = seed ^ static_cast<std::uint64_t>(Purpose::Noise);
  auto key0 = static_cast<std::uint32_t>(key);
  auto key1 = static_cast<std::uint32_t>(key >> 32U);
  std::array<torch::Tensor, 4> counter{
      torch::full({1, 1}, step & kWord, options),
      torch::full({1, 1}, (step >> 32) & kWord, options),
      torch::arange(first, first + samples, options).view({samples, 1}),
      torch::arange(pairs, options).view({1, pairs}) + static_cast<std::int64_t>(kNoiseStreams)};
  for (int round = 0; round < 10; ++round) {
    const Product a = multiply(counter[0], 0xD2511F53);
    const Product b = multiply(counter[2], 0xCD9E8D57);
    counter = {b.high.bitwise_xor(counter[1]).bitwise_xor(static_cast<std::int64_t>(key0)), b.low,
               a.high.bitwise_xor(counter[3]).bitwise_xor(static_cast<std::int64_t>(key1)), a.low};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  const auto unit = [](const torch::Tensor& words) {
    return words.to(torch::kFloat64).add(0.5).mul(0x1p-32);
  };
  const auto radius = unit(counter[0]).log().mul(-2).sqrt();
  const auto angle = unit(counter[1]).mul(2 * std::numbers::pi);
  const auto both = torch::stack({radius * angle.cos(), radius * angle.sin()}, -1);
  return both.reshape({samples, 2 * pairs})
      .narrow(1, 0, each)
      .reshape(shape)
      .to(torch::kFloat32)
      .contiguous();
}

}  // namespace reprise::worker
