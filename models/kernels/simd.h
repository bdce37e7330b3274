#pragma once
/// Vectors of floats, as wide as the instruction set's, by the compiler's vector extension.
/// Included only by files that are compiled once an instruction set: everything here is inlined and
/// has internal linkage, so that no function compiled for a newer processor can be picked by the
/// linker for an older one.

#include <cstdint>
#include <cstring>
#include <utility>

#include "models/kernels/kernel_set.h"

namespace reprise::models::kernels {
namespace {

#define REPRISE_INLINE [[gnu::always_inline]] static inline

#if defined(__AVX512F__)
constexpr std::int64_t kLanes = 16;
#elif defined(__AVX2__)
constexpr std::int64_t kLanes = 8;
#else
constexpr std::int64_t kLanes = 4;
#endif
using Vec = float __attribute__((vector_size(kLanes * 4)));
using IntVec = std::int32_t __attribute__((vector_size(kLanes * 4)));

REPRISE_INLINE Vec splat(float value) { return Vec{} + value; }

REPRISE_INLINE Vec load(const float* from) {
  Vec value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

REPRISE_INLINE void store(float* to, Vec value) { std::memcpy(to, &value, sizeof value); }

REPRISE_INLINE Vec maximum(Vec a, Vec b) { return a > b ? a : b; }

/// Of two rows the lanes whose number has not the bit `Step`, and those that have it.
template <std::size_t Step, std::size_t... Lane>
REPRISE_INLINE void exchange(Vec& a, Vec& b, std::index_sequence<Lane...>) {
  const Vec even = __builtin_shufflevector(a, b, (Lane & Step ? kLanes + Lane - Step : Lane)...);
  b = __builtin_shufflevector(a, b, (Lane & Step ? kLanes + Lane : Lane + Step)...);
  a = even;
}

/// rows[i][j] to rows[j][i], by halves of twice the size each step (Eklundh, 1972).
template <std::size_t Step = 1>
REPRISE_INLINE void transpose(Vec (&rows)[kLanes]) {
  if constexpr (Step < kLanes) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      if ((i & Step) == 0)
        exchange<Step>(rows[i], rows[i + Step], std::make_index_sequence<kLanes>());
    }
    transpose<2 * Step>(rows);
  }
}

/// e^x for x <= 0, within 2 units in the last place; 0 below -87.
REPRISE_INLINE Vec exp_of_negative(Vec x) {
  // x = n ln 2 + r; e^r by a polynomial (Cephes expf), 2^n by its exponent's bits.
  constexpr float kLog2E = 1.44269504088896341F;
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer.
  x = maximum(x, splat(-87.0F));
  const Vec shifted = x * kLog2E + kRound;
  const Vec n = shifted - kRound;
  const Vec r = x - n * kLn2High - n * kLn2Low;
  Vec y = splat(1.9875691500e-4F);
  y = y * r + 1.3981999507e-3F;
  y = y * r + 8.3334519073e-3F;
  y = y * r + 4.1665795894e-2F;
  y = y * r + 1.6666665459e-1F;
  y = y * r + 5.0000001201e-1F;
  y = y * r * r + r + 1.0F;
  IntVec bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 23) + (127 << 23);  // The low bits of `shifted` are n.
  Vec power;
  std::memcpy(&power, &bits, sizeof power);
  return y * power;
}

REPRISE_INLINE float to_float(float value) { return value; }
REPRISE_INLINE float to_float(Bf16 value) {
  const auto bits = static_cast<std::uint32_t>(value) << 16U;
  float number;
  std::memcpy(&number, &bits, sizeof number);
  return number;
}

template <typename T>
REPRISE_INLINE T from_float(float value);
template <>
[[gnu::always_inline]] inline float from_float<float>(float value) {
  return value;
}
/// Rounds to nearest, ties to even.
template <>
[[gnu::always_inline]] inline Bf16 from_float<Bf16>(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<Bf16>(0x7fc0);  // NaN stays NaN.
  return static_cast<Bf16>((bits + 0x7fffU + (bits >> 16U & 1U)) >> 16U);
}

/// A vector's numbers in memory of either type.
template <typename T>
REPRISE_INLINE Vec load_as(const T* from) {
  Vec value;
  for (std::int64_t lane = 0; lane < kLanes; ++lane) value[lane] = to_float(from[lane]);
  return value;
}
template <>
[[gnu::always_inline]] inline Vec load_as<float>(const float* from) {
  return load(from);
}
template <typename T>
REPRISE_INLINE void store_as(T* to, Vec value) {
  for (std::int64_t lane = 0; lane < kLanes; ++lane) to[lane] = from_float<T>(value[lane]);
}
template <>
[[gnu::always_inline]] inline void store_as<float>(float* to, Vec value) {
  store(to, value);
}

}  // namespace
}  // namespace reprise::models::kernels
