#pragma once
/// A Swin layer without gradients, a window at a time: everything between the gather and the
/// scatter of its tokens stays in the caches (see simd.h).
///
/// Tokens are the lanes of vectors throughout: what a window holds is [groups, channels, group].
/// Norms then need no sums across lanes, products read weights one number at a time for a whole
/// group, and attention (attention_tiles.h) finds queries, keys and values where the product left
/// them.

#include "models/kernels/attention_tiles.h"

namespace reprise::models::kernels {
namespace {

/// x * (1 + erf(x / sqrt 2)) / 2, within 2e-7 of it relative to max(1, |x|). erf: Eigen's quotient
/// of polynomials.
REPRISE_INLINE Vec gelu(Vec x) {
  Vec z = x * 0.70710678118654752F;
  z = maximum(splat(-4.0F), -maximum(splat(-4.0F), -z));
  const Vec square = z * z;
  Vec above = splat(-2.72614225801306e-10F);
  above = above * square + 2.77068142495902e-08F;
  above = above * square - 2.10102402082508e-06F;
  above = above * square - 5.69250639462346e-05F;
  above = above * square - 7.34990630326855e-04F;
  above = above * square - 2.95459980854025e-03F;
  above = above * square - 1.60960333262415e-02F;
  Vec below = splat(-1.45660718464996e-05F);
  below = below * square - 2.13374055278905e-04F;
  below = below * square - 1.68282697438203e-03F;
  below = below * square - 7.37332916720468e-03F;
  below = below * square - 1.42647390514189e-02F;
  return 0.5F * x * (1.0F + z * above / below);
}

/// One block of `kPackedRows` outputs for a group of tokens: sums[r] = bias[r] + sum over k of
/// weight[r][k] * x[k][token].
REPRISE_INLINE void packed_tile(const float* block, std::int64_t in, const float* x, Group* sums) {
  Group part[kPackedRows] = {};
  for (std::int64_t k = 0; k < in; ++k) {
    const Group column = load_group(x + k * kGroup);
    for (int r = 0; r < kPackedRows; ++r) add_product(part[r], block[k * kPackedRows + r], column);
  }
  for (int r = 0; r < kPackedRows; ++r) {
    for (int p = 0; p < kVectors; ++p)
      sums[r].part[p] = part[r].part[p] + block[in * kPackedRows + r];
  }
}

/// finish(group, output, value) for every output of a linear layer of x [groups, in, group].
template <typename Finish>
REPRISE_INLINE void packed_product(const PackedLinear& layer, const float* x, std::int64_t groups,
                                   Finish finish) {
  // Weights of two blocks stay in the first-level cache while all groups pass by.
  constexpr std::int64_t kRows = 2 * kPackedRows;
  for (std::int64_t first = 0; first < layer.out; first += kRows) {
    const std::int64_t last = first + kRows < layer.out ? first + kRows : layer.out;
    for (std::int64_t g = 0; g < groups; ++g) {
      for (std::int64_t row = first; row < last; row += kPackedRows) {
        Group sums[kPackedRows];
        packed_tile(layer.packed + row * (layer.in + 1), layer.in, x + g * layer.in * kGroup, sums);
        for (int r = 0; r < kPackedRows && row + r < last; ++r) finish(g, row + r, sums[r]);
      }
    }
  }
}

/// Layer norm of a group of tokens, [width, group].
REPRISE_INLINE void norm_group(const NormInput& in, const float* x, float* out) {
  const float share = 1.0F / static_cast<float>(in.width);
  Group mean{}, factor{};
  for (std::int64_t c = 0; c < in.width; ++c) add_product(mean, share, load_group(x + c * kGroup));
  for (std::int64_t c = 0; c < in.width; ++c) {
    const Group value = load_group(x + c * kGroup);
    for (int p = 0; p < kVectors; ++p) {
      const Vec centred = value.part[p] - mean.part[p];
      factor.part[p] += centred * centred;
    }
  }
  for (Vec& part : factor.part) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      part[lane] = 1.0F / __builtin_sqrtf(part[lane] * share + in.epsilon);
  }
  for (std::int64_t c = 0; c < in.width; ++c) {
    Group value = load_group(x + c * kGroup);
    for (int p = 0; p < kVectors; ++p)
      value.part[p] = (value.part[p] - mean.part[p]) * factor.part[p] * in.gain[c] + in.shift[c];
    store_group(out + c * kGroup, value);
  }
}

/// Where token i's numbers begin in [groups, width, group].
REPRISE_INLINE std::int64_t lane_of(std::int64_t i, std::int64_t width) {
  return i / kGroup * width * kGroup + i % kGroup;
}

/// Memory of one window, [groups, channels, group] each.
struct WindowScratch {
  WindowScratch(const SwinLayerInput& in, float* memory)
      : x(memory),
        normed(x + in.shape.tokens * in.width()),
        wide(normed + in.shape.tokens * in.width()) {}
  float* x;       ///< The tokens.
  float* normed;  ///< After a norm; the heads' results.
  float* wide;    ///< Queries, keys and values; the MLP's hidden channels.
};

/// Attention of a window's heads: from m.wide to m.normed.
template <int D, int N>
REPRISE_INLINE void attend_window(Sizes<D, N> size, const SwinLayerInput& in, std::int64_t window,
                                  const WindowScratch& m) {
  const std::int64_t n = size.n(), d = size.d(), width = in.width();
  const std::int64_t next = 3 * width * kGroup;  // From a group to the next.
  alignas(64) float scores[kMaxTokens * kGroup];
  const float* mask = in.mask == nullptr ? nullptr : in.mask + window * n * n;
  for (std::int64_t head = 0; head < in.shape.heads; ++head) {
    const float* q = m.wide + head * d * kGroup;
    const HeadRows keys{q + width * kGroup, 1, kGroup, kGroup, next};
    const HeadRows values{q + 2 * width * kGroup, 1, kGroup, kGroup, next};
    const float* bias = in.bias + head * n * n;
    for (std::int64_t g = 0; g < n / kGroup; ++g) {
      Group largest, inverse;
      attend(size, keys, values, q + g * next, kGroup, bias + g * kGroup,
             mask == nullptr ? nullptr : mask + g * kGroup, scores,
             m.normed + (g * width + head * d) * kGroup, largest, inverse);
    }
  }
}

template <int D, int N>
void layer_window(Sizes<D, N> size, const SwinLayerInput& in, std::int64_t image,
                  std::int64_t window, float* out, float* memory) {
  const std::int64_t n = size.n(), width = in.width(), groups = n / kGroup;
  const WindowScratch m(in, memory);
  const std::int32_t* place = in.place + window * n;
  const auto place_of = [&](float* to, std::int64_t channels, std::int64_t g, std::int64_t c) {
    return to + (g * channels + c) * kGroup;
  };
  const float* rows = in.x + image * in.shape.windows * n * width;
  for (std::int64_t i = 0; i < n; i += kLanes)
    gather(rows, width, place + i, width, 1.0F, m.x + lane_of(i, width), kGroup);
  const auto norm = [&](const NormInput& of) {
    for (std::int64_t at = 0; at < n * width; at += width * kGroup)
      norm_group(of, m.x + at, m.normed + at);
  };
  const auto add = [&](std::int64_t g, std::int64_t c, Group value) {
    float* to = place_of(m.x, width, g, c);
    for (int p = 0; p < kVectors; ++p)
      store(to + p * kLanes, load(to + p * kLanes) + value.part[p]);
  };

  norm(in.norm1);
  packed_product(in.qkv, m.normed, groups, [&](std::int64_t g, std::int64_t c, Group value) {
    if (c < width) {  // A query.
      for (Vec& part : value.part) part *= in.scale;
    }
    store_group(place_of(m.wide, 3 * width, g, c), value);
  });
  attend_window(size, in, window, m);
  packed_product(in.proj, m.normed, groups, add);
  norm(in.norm2);
  packed_product(in.fc1, m.normed, groups, [&](std::int64_t g, std::int64_t c, Group value) {
    for (Vec& part : value.part) part = gelu(part);
    store_group(place_of(m.wide, in.fc1.out, g, c), value);
  });
  packed_product(in.fc2, m.wide, groups, add);

  out += image * in.shape.windows * n * width;
  for (std::int64_t i = 0; i < n; i += kLanes)
    scatter(m.x + lane_of(i, width), kGroup, place + i, width, 1.0F, out, width);
}

template <int D, int N>
void layer_range(const SwinLayerInput& in, float* out, float* memory, std::int64_t begin,
                 std::int64_t end) {
  const Sizes<D, N> size{in.shape.head_size, in.shape.tokens};
  for (std::int64_t at = begin; at < end; ++at)
    layer_window(size, in, at / in.shape.windows, at % in.shape.windows, out, memory);
}

inline void layer_all(const SwinLayerInput& in, float* out, float* memory, std::int64_t begin,
                      std::int64_t end) {
  REPRISE_FOR_SIZE(layer_range, in, out, memory, begin, end);
}

}  // namespace
}  // namespace reprise::models::kernels
