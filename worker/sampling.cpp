#include "worker/sampling.h"

#include <cmath>
#include <numbers>
#include <unordered_map>
#include <utility>

namespace reprise::worker {

std::array<std::uint32_t, 4> philox(std::uint64_t seed, std::uint64_t step, std::uint32_t index,
                                    std::uint32_t stream) {
  std::array<std::uint32_t, 4> counter{static_cast<std::uint32_t>(step),
                                       static_cast<std::uint32_t>(step >> 32U), index, stream};
  auto key0 = static_cast<std::uint32_t>(seed);
  auto key1 = static_cast<std::uint32_t>(seed >> 32U);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {
        static_cast<std::uint32_t>(b >> 32U) ^ counter[1] ^ key0, static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32U) ^ counter[3] ^ key1, static_cast<std::uint32_t>(a)};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return counter;
}

std::uint64_t draw(std::uint64_t seed, std::int64_t step, std::int64_t index, Purpose purpose) {
  const auto words = philox(seed, static_cast<std::uint64_t>(step),
                            static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(purpose));
  return (std::uint64_t{words[0]} << 32U) | words[1];
}

std::int64_t below(std::uint64_t bits, std::int64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::int64_t>((Wide{bits} * static_cast<std::uint64_t>(bound)) >> 64U);
}

std::vector<std::int64_t> pick_slices(std::uint64_t seed, std::int64_t step, std::int64_t batch,
                                      std::int64_t count) {
  // The first part of a Fisher-Yates shuffle, begun again whenever the set is used up. Only cells
  // that were swapped are kept, so a step's cost does not grow with the set.
  std::unordered_map<std::int64_t, std::int64_t> moved;
  const auto cell = [&](std::int64_t at) {
    const auto found = moved.find(at);
    return found == moved.end() ? at : found->second;
  };
  std::vector<std::int64_t> picked;
  picked.reserve(batch);
  for (std::int64_t index = 0; index < batch; ++index) {
    const std::int64_t at = index % count;
    const auto other = at + below(draw(seed, step, index, Purpose::Slice), count - at);
    const std::int64_t taken = cell(other);
    moved[other] = cell(at);
    moved[at] = taken;
    picked.push_back(taken);
  }
  return picked;
}

Offset pick_crop(std::uint64_t seed, std::int64_t step, std::int64_t index, std::int64_t rows,
                 std::int64_t columns) {
  const auto words =
      philox(seed, static_cast<std::uint64_t>(step), static_cast<std::uint32_t>(index),
             static_cast<std::uint32_t>(Purpose::Crop));
  return {.top = below((std::uint64_t{words[0]} << 32U) | words[1], rows + 1),
          .left = below((std::uint64_t{words[2]} << 32U) | words[3], columns + 1)};
}

std::int64_t pick_turn(std::uint64_t seed, std::int64_t step, std::int64_t index, bool flips,
                       bool rotations) {
  if (!flips && !rotations) return 0;
  const std::uint64_t bits = draw(seed, step, index, Purpose::Turn);
  if (flips && rotations) return static_cast<std::int64_t>(bits & 7U);
  if (flips) return static_cast<std::int64_t>(bits & 3U);
  // Quarter turns: none, mirror and swap, mirror both, the other mirror and swap.
  constexpr std::array<std::int64_t, 4> kTurns{0, 1 | 4, 1 | 2, 2 | 4};
  return kTurns[bits & 3U];
}

std::vector<float> pick_noise(std::uint64_t seed, std::int64_t step, std::int64_t index,
                              std::int64_t count) {
  const auto unit = [](std::uint32_t word) { return (word + 0.5) * 0x1p-32; };
  std::vector<float> values(count);
  for (std::int64_t at = 0; at < count; at += 2) {
    const auto words = philox(seed ^ static_cast<std::uint64_t>(Purpose::Noise),
                              static_cast<std::uint64_t>(step), static_cast<std::uint32_t>(index),
                              kNoiseStreams + static_cast<std::uint32_t>(at / 2));
    const double radius = std::sqrt(-2 * std::log(unit(words[0])));
    const double angle = 2 * std::numbers::pi * unit(words[1]);
    values[at] = static_cast<float>(radius * std::cos(angle));
    if (at + 1 < count) values[at + 1] = static_cast<float>(radius * std::sin(angle));
  }
  return values;
}

}  // namespace reprise::worker
