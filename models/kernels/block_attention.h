#pragma once
/// Window attention as a block of threads computes it: thread i is query i (then key i) of a
/// window.
///
/// The CUDA kernels (models/cuda/) and a CPU build for tests share this text: a kernel is a list of
/// phases with a barrier between them, and the CPU runs each phase for all threads in turn. So the
/// arithmetic is tested where there is no GPU; what is not is the launch.

#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#define REPRISE_BOTH __host__ __device__ __forceinline__
#else
#define REPRISE_BOTH inline
#endif

namespace reprise::models::kernels {

/// Arguments of both passes. Layouts as in kernel_set.h, but the bias is read as
/// [heads, key, query] and no pointer is null except `mask` and `stats` (forward, inference).
struct BlockArguments {
  std::int64_t images = 1, windows = 1, heads = 1;
  const float* qkv = nullptr;           ///< [images, windows * N, 3, heads, D]
  const std::int32_t* place = nullptr;  ///< [windows * N]
  const float* bias = nullptr;          ///< [heads, N, N]
  const float* mask = nullptr;          ///< [windows, N, N]
  float scale = 1;
  float* out = nullptr;    ///< Forward: [images, windows * N, heads, D].
  float* stats = nullptr;  ///< [images, windows, heads, 2, N]: maximum and 1 / sum.
  const float* out_gradient = nullptr;
  float* qkv_gradient = nullptr;
  /// Backward: [chunks, heads, N, N], one part a chunk of (image, window) pairs, to be summed by
  /// the caller: no atomic additions, so that the sum's order is fixed.
  float* bias_parts = nullptr;
  std::int64_t chunks = 1;
};

REPRISE_BOTH float block_exp(float x) {
#ifdef __CUDA_ARCH__
  return __expf(x);
#else
  return std::exp(x);
#endif
}

/// Rows padded by one so that threads that read the same column of different rows meet no bank
/// conflict.
template <int N, int D>
struct ForwardShared {
  float k[N][D + 1];
  float v[N][D + 1];
};

template <int N, int D>
struct BackwardShared {
  float q[N][D + 1];  ///< Scaled.
  float k[N][D + 1];
  float v[N][D + 1];
  float go[N][D + 1];
  float p[N][N + 1];   ///< [key][query]
  float ds[N][N + 1];  ///< [key][query]
  float bias[N][N];    ///< [key][query]: the chunk's sum.
};

/// One (image, window, head) and where it lies.
template <int N, int D>
struct BlockCell {
  REPRISE_BOTH BlockCell(const BlockArguments& in, std::int64_t pair, std::int64_t at_head) {
    window = pair % in.windows;
    head = at_head;
    width = in.heads * D;
    const std::int64_t first = pair / in.windows * in.windows * N;
    qkv = first * 3 * width + head * D;
    out = first * width + head * D;
    stats = (pair * in.heads + head) * 2 * N;
    place = in.place + window * N;
  }
  REPRISE_BOTH std::int64_t row(int token) const { return place[token]; }
  REPRISE_BOTH float addend(const BlockArguments& in, int key, int query) const {
    const float bias = in.bias[(head * N + key) * N + query];
    return in.mask == nullptr ? bias : bias + in.mask[(window * N + key) * N + query];
  }
  std::int64_t window, head, width, qkv, out, stats;
  const std::int32_t* place;
};

/// Forward, phase 1 of 2: thread `t` of `threads` brings keys and values.
template <int N, int D>
REPRISE_BOTH void forward_load(const BlockArguments& in, const BlockCell<N, D>& cell, int t,
                               int threads, ForwardShared<N, D>& shared) {
  for (int at = t; at < N * D; at += threads) {
    const int token = at / D, c = at % D;
    const float* row = in.qkv + cell.qkv + cell.row(token) * 3 * cell.width + c;
    shared.k[token][c] = row[cell.width];
    shared.v[token][c] = row[2 * cell.width];
  }
}

/// Forward, phase 2: query `i`. The softmax runs along with the keys (its maximum is corrected as
/// it grows), so that nothing of N values is kept.
template <int N, int D>
REPRISE_BOTH void forward_attend(const BlockArguments& in, const BlockCell<N, D>& cell, int i,
                                 const ForwardShared<N, D>& shared) {
  float q[D], sum[D];
  const float* row = in.qkv + cell.qkv + cell.row(i) * 3 * cell.width;
  for (int c = 0; c < D; ++c) {
    q[c] = row[c] * in.scale;
    sum[c] = 0;
  }
  float largest = -3e38F, total = 0;
  for (int j = 0; j < N; ++j) {
    float s = cell.addend(in, j, i);
    for (int c = 0; c < D; ++c) s += q[c] * shared.k[j][c];
    if (s > largest) {
      const float shrink = block_exp(largest - s);
      total *= shrink;
      for (int c = 0; c < D; ++c) sum[c] *= shrink;
      largest = s;
    }
    const float p = block_exp(s - largest);
    total += p;
    for (int c = 0; c < D; ++c) sum[c] += p * shared.v[j][c];
  }
  const float inverse = 1 / total;
  float* out = in.out + cell.out + cell.row(i) * cell.width;
  for (int c = 0; c < D; ++c) out[c] = sum[c] * inverse;
  if (in.stats != nullptr) {
    in.stats[cell.stats + i] = largest;
    in.stats[cell.stats + N + i] = inverse;
  }
}

/// Backward, phase 0, once a block: the bias gradient's sum starts at 0.
template <int N, int D>
REPRISE_BOTH void backward_clear(int t, int threads, BackwardShared<N, D>& shared) {
  for (int at = t; at < N * N; at += threads) shared.bias[at / N][at % N] = 0;
}

/// Backward, phase 1 of 3 of a cell.
template <int N, int D>
REPRISE_BOTH void backward_load(const BlockArguments& in, const BlockCell<N, D>& cell, int t,
                                int threads, BackwardShared<N, D>& shared) {
  for (int at = t; at < N * D; at += threads) {
    const int token = at / D, c = at % D;
    const float* row = in.qkv + cell.qkv + cell.row(token) * 3 * cell.width + c;
    shared.q[token][c] = row[0] * in.scale;
    shared.k[token][c] = row[cell.width];
    shared.v[token][c] = row[2 * cell.width];
    shared.go[token][c] = in.out_gradient[cell.out + cell.row(token) * cell.width + c];
  }
}

/// Backward, phase 2: query `i` writes its column of p and ds, and its gradient.
template <int N, int D>
REPRISE_BOTH void backward_queries(const BlockArguments& in, const BlockCell<N, D>& cell, int i,
                                   BackwardShared<N, D>& shared) {
  const float largest = in.stats[cell.stats + i], inverse = in.stats[cell.stats + N + i];
  float delta = 0;
  for (int j = 0; j < N; ++j) {
    float s = cell.addend(in, j, i), dp = 0;
    for (int c = 0; c < D; ++c) {
      s += shared.q[i][c] * shared.k[j][c];
      dp += shared.go[i][c] * shared.v[j][c];
    }
    const float p = block_exp(s - largest) * inverse;
    shared.p[j][i] = p;
    shared.ds[j][i] = dp;
    delta += p * dp;
  }
  float gradient[D];
  for (int c = 0; c < D; ++c) gradient[c] = 0;
  for (int j = 0; j < N; ++j) {
    const float ds = shared.p[j][i] * (shared.ds[j][i] - delta);
    shared.ds[j][i] = ds;
    shared.bias[j][i] += ds;
    for (int c = 0; c < D; ++c) gradient[c] += ds * shared.k[j][c];
  }
  float* row = in.qkv_gradient + cell.qkv + cell.row(i) * 3 * cell.width;
  for (int c = 0; c < D; ++c) row[c] = gradient[c] * in.scale;
}

/// Backward, phase 3: key `j` sums over the queries.
template <int N, int D>
REPRISE_BOTH void backward_keys(const BlockArguments& in, const BlockCell<N, D>& cell, int j,
                                const BackwardShared<N, D>& shared) {
  float k[D], v[D];
  for (int c = 0; c < D; ++c) k[c] = v[c] = 0;
  for (int i = 0; i < N; ++i) {
    const float p = shared.p[j][i], ds = shared.ds[j][i];
    for (int c = 0; c < D; ++c) {
      k[c] += ds * shared.q[i][c];
      v[c] += p * shared.go[i][c];
    }
  }
  float* row = in.qkv_gradient + cell.qkv + cell.row(j) * 3 * cell.width;
  for (int c = 0; c < D; ++c) {
    row[cell.width + c] = k[c];
    row[2 * cell.width + c] = v[c];
  }
}

/// Backward, at the end of a block: its part of the bias gradient.
template <int N, int D>
REPRISE_BOTH void backward_store(const BlockArguments& in, std::int64_t chunk, std::int64_t head,
                                 int t, int threads, const BackwardShared<N, D>& shared) {
  float* part = in.bias_parts + (chunk * in.heads + head) * N * N;
  for (int at = t; at < N * N; at += threads) part[at] = shared.bias[at / N][at % N];
}

/// The (image, window) pairs of a chunk: [begin, end).
REPRISE_BOTH std::int64_t chunk_begin(const BlockArguments& in, std::int64_t chunk) {
  return in.images * in.windows * chunk / in.chunks;
}

}  // namespace reprise::models::kernels
