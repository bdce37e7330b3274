#pragma once
/// Kernels on the CPU. Window attention, fused: gather, logits, bias, mask, softmax, values and
/// scatter of one window and head stay in the first-level cache. Plain memory in and out: no
/// LibTorch here.
///
/// The work is laid out so that the lanes of a vector (16 with AVX-512) are queries: the softmax
/// needs no sums across lanes, and no head size (10, 15, 20) is padded. Paper: Eq. 3; Liu et al.,
/// "Swin", 2021.

#include <cstdint>

namespace reprise::models::kernels {

/// Sizes of one attention layer over a batch of images.
struct AttentionShape {
  std::int64_t images = 1;
  std::int64_t windows = 1;  ///< Windows an image.
  std::int64_t tokens = 64;  ///< Tokens a window, a multiple of 16.
  std::int64_t heads = 1;
  std::int64_t head_size = 1;  ///< At most `kMaxHeadSize`.
};

constexpr std::int64_t kMaxHeadSize = 64;
constexpr std::int64_t kMaxTokens = 256;

/// True for sizes that the kernels below take.
constexpr bool takes(const AttentionShape& shape) {
  return shape.tokens % 16 == 0 && shape.tokens <= kMaxTokens && shape.head_size >= 1 &&
         shape.head_size <= kMaxHeadSize;
}

/// What forward and backward read. `T` is the type of tokens in memory: float, or BFloat16 as its
/// bits; arithmetic is in float.
template <typename T>
struct AttentionInput {
  AttentionShape shape;
  const T* qkv = nullptr;               ///< [images, windows * tokens, 3, heads, head_size].
  const std::int32_t* place = nullptr;  ///< [windows * tokens]: the token's row in its image.
  const float* bias = nullptr;          ///< [heads, tokens (key), tokens (query)].
  const float* mask = nullptr;  ///< [windows, tokens (key), tokens (query)] to add, or null.
  float scale = 1;              ///< Of the queries: head_size^-0.5.
};

/// The bits of a BFloat16.
enum class Bf16 : std::uint16_t {};

template <typename T>
struct AttentionOutput {
  T* out = nullptr;        ///< [images, windows * tokens, heads, head_size], rows as in qkv.
  float* stats = nullptr;  ///< [images, windows, heads, 2, tokens]: maximum and 1 / sum; or null.
};

template <typename T>
struct AttentionGradients {
  const T* out = nullptr;        ///< Gradient of `AttentionOutput::out`.
  const float* stats = nullptr;  ///< As the forward pass wrote them.
  T* qkv = nullptr;              ///< Written: gradient of qkv.
  float* bias = nullptr;         ///< Added to: gradient of bias; null where none is wanted.
};

/// What a layer norm reads.
struct NormInput {
  const float* x = nullptr;  ///< [rows, width].
  std::int64_t width = 1;
  const float* gain = nullptr;   ///< [width].
  const float* shift = nullptr;  ///< [width].
  float epsilon = 1e-5F;         ///< Added to the variance.
};

/// Outputs of a packed linear layer that are computed together.
constexpr int kPackedRows = 6;

/// A linear layer as `pack_linear` lays it out: for each `kPackedRows` outputs their weights
/// [in, kPackedRows], then their biases; zero beyond the last output.
struct PackedLinear {
  const float* packed = nullptr;
  std::int64_t in = 1, out = 1;
};

/// Floats that `pack_linear` writes.
constexpr std::int64_t packed_size(std::int64_t in, std::int64_t out) {
  return (out + kPackedRows - 1) / kPackedRows * kPackedRows * (in + 1);
}

/// From weight [out, in] and bias [out].
void pack_linear(const float* weight, const float* bias, std::int64_t in, std::int64_t out,
                 float* packed);

/// A whole Swin layer: norm, (shifted) window attention, residual, norm, MLP with GELU, residual.
struct SwinLayerInput {
  AttentionShape shape;
  const float* x = nullptr;             ///< [images, windows * tokens, width()].
  const std::int32_t* place = nullptr;  ///< As in AttentionInput, as are the next three.
  const float* bias = nullptr;
  const float* mask = nullptr;
  float scale = 1;
  NormInput norm1, norm2;  ///< Without rows.
  PackedLinear qkv, proj, fc1, fc2;
  [[nodiscard]] std::int64_t width() const { return shape.heads * shape.head_size; }
};

/// Floats of scratch memory that a thread needs for such a layer.
constexpr std::int64_t swin_layer_scratch(const SwinLayerInput& in) {
  const std::int64_t wide = in.fc1.out > 3 * in.width() ? in.fc1.out : 3 * in.width();
  return in.shape.tokens * (2 * in.width() + wide);
}

/// One instruction set's kernels. Each attention call does a range, so that the caller may share
/// the work out: forward by (image, window) pairs, backward by heads (which makes the bias
/// gradient's order of additions independent of the number of threads).
struct KernelSet {
  const char* name;
  void (*forward)(const AttentionInput<float>&, const AttentionOutput<float>&, std::int64_t begin,
                  std::int64_t end);
  void (*forward_bf16)(const AttentionInput<Bf16>&, const AttentionOutput<Bf16>&,
                       std::int64_t begin, std::int64_t end);
  void (*backward)(const AttentionInput<float>&, const AttentionGradients<float>&,
                   std::int64_t begin_head, std::int64_t end_head);
  void (*backward_bf16)(const AttentionInput<Bf16>&, const AttentionGradients<Bf16>&,
                        std::int64_t begin_head, std::int64_t end_head);
  /// Rows [begin, end) of out [n, k] = sum over t of a[t][n] * b[t][k], a [count, n], b [count, k].
  /// Null where LibTorch's own product is faster: it was on processors without AVX-512.
  void (*product)(const float* a, std::int64_t n, const float* b, std::int64_t k,
                  std::int64_t count, float* out, std::int64_t begin, std::int64_t end);
  /// Rows [begin, end) of out [rows, width] = (x - mean) / sqrt(variance + epsilon) * gain + shift.
  void (*norm)(const NormInput&, float* out, std::int64_t begin, std::int64_t end);
  /// Windows [begin, end) of all images' into out, which is as `x` is. Null but with AVX2: there it
  /// was measured to be faster than oneDNN's products, with AVX-512 nobody measured it yet.
  void (*swin_layer)(const SwinLayerInput&, float* out, float* scratch, std::int64_t begin,
                     std::int64_t end);
};

/// The kernels for this processor: AVX-512, AVX2 or the baseline.
const KernelSet& kernel_set();

/// Whether the processor has what oneDNN's AVX-512 kernels use.
bool has_avx512();

/// Every set that this processor can run, for tests.
struct KernelList {
  const KernelSet* sets[3];
  int count;
};
KernelList all_kernel_sets();

}  // namespace reprise::models::kernels
