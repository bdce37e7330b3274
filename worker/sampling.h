#pragma once
/// Random numbers by counter: which slice, crop and noise a sample gets is a function of
/// (seed, step, index in the global batch, purpose), never of rank, gang size or history.

#include <array>
#include <cstdint>
#include <vector>

namespace reprise::worker {

enum class Purpose : std::uint32_t { Slice, Crop, Noise, Torch, Mix, HoldOut, Turn, DropPath };

/// Philox4x32-10 (Salmon et al. 2011) of one counter: four independent 32-bit words.
std::array<std::uint32_t, 4> philox(std::uint64_t seed, std::uint64_t step, std::uint32_t index,
                                    std::uint32_t stream);

/// 64 random bits of (seed, step, index, purpose).
std::uint64_t draw(std::uint64_t seed, std::int64_t step, std::int64_t index, Purpose purpose);

/// A uniform integer in [0, bound) from 64 random bits (the bias is below bound / 2^64).
std::int64_t below(std::uint64_t bits, std::int64_t bound);

/// Slice of every sample of the global batch of `step`: uniform, without replacement; where the
/// batch is larger than the set, each slice comes batch / count times, rounded down or up.
std::vector<std::int64_t> pick_slices(std::uint64_t seed, std::int64_t step, std::int64_t batch,
                                      std::int64_t count);

struct Offset {
  std::int64_t top = 0;
  std::int64_t left = 0;
};
/// Crop of sample `index`: every offset in [0, rows] x [0, columns] is equally likely.
Offset pick_crop(std::uint64_t seed, std::int64_t step, std::int64_t index, std::int64_t rows,
                 std::int64_t columns);

/// How sample `index` is mirrored and turned (see Placement): 0 to 7, uniform over what is allowed.
std::int64_t pick_turn(std::uint64_t seed, std::int64_t step, std::int64_t index, bool flips,
                       bool rotations);

/// Streams from here on number a sample's pairs of normal numbers; below: one stream a purpose.
constexpr std::uint32_t kNoiseStreams = 16;

/// `count` standard normal numbers of sample `index` (Box-Muller).
std::vector<float> pick_noise(std::uint64_t seed, std::int64_t step, std::int64_t index,
                              std::int64_t count);

}  // namespace reprise::worker
