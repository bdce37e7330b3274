#pragma once
/// What networks are made of, for network_profile.cpp: layers that are counted as a forward pass
/// meets them, and pixels that are followed from the output backwards.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sweep/network_profile.h"

namespace reprise::sweep {

inline std::int64_t up_to_multiple(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// Adds up the layers of a network in the order of its forward pass.
class Counter {
 public:
  NetworkProfile totals;

  /// Convolution with bias over an output of `pixels` places.
  void conv(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t pixels,
            std::int64_t groups = 1) {
    const std::int64_t weights = out * (in / groups) * kernel * kernel;
    weighted(weights + out, pixels * weights);
  }

  void linear(std::int64_t in, std::int64_t out, std::int64_t tokens) {
    weighted(in * out + out, tokens * in * out);
  }

  void layer_norm(std::int64_t channels, std::int64_t tokens) {
    known(2 * channels);
    totals.paper_macs += 2 * channels * tokens;
  }

  /// Parameters that thop sees, in a layer that runs.
  void known(std::int64_t parameters) {
    totals.parameters += parameters;
    totals.paper_parameters += parameters;
  }

  /// Parameters that thop does not see.
  void unseen(std::int64_t parameters) { totals.parameters += parameters; }

  void softmax(std::int64_t rows, std::int64_t length) {
    totals.paper_macs += rows * (3 * length - 1);
  }

  void product(std::int64_t macs) { totals.product_macs += macs; }

  void weighted(std::int64_t parameters, std::int64_t macs) {
    known(parameters);
    totals.paper_macs += macs;
    totals.product_macs += macs;
  }

  /// Fixed 1x1 convolution, where it runs.
  void mean_shift(std::int64_t channels, std::int64_t pixels) {
    conv(channels, channels, 1, pixels);
  }

  /// Swin layer of `channels` on `tokens` pixels.
  void swin_layer(std::int64_t channels, std::int64_t heads, std::int64_t window,
                  std::int64_t tokens) {
    constexpr std::int64_t kMlpRatio = 2;
    const std::int64_t cells = window * window;
    layer_norm(channels, tokens);
    linear(channels, 3 * channels, tokens);
    unseen((2 * window - 1) * (2 * window - 1) * heads);
    softmax(tokens * heads, cells);
    product(2 * tokens * cells * channels);
    linear(channels, channels, tokens);
    layer_norm(channels, tokens);
    linear(channels, kMlpRatio * channels, tokens);
    linear(kMlpRatio * channels, channels, tokens);
  }

  /// Convolutions and shuffles to `scale` times the size, then a convolution to the image.
  void step_upsampler(std::int64_t width, const NetworkInput& input, std::int64_t pixels) {
    for (const std::int64_t factor : upsampling_steps(input.scale)) {
      conv(width, width * factor * factor, 3, pixels);
      pixels *= factor * factor;
    }
    conv(width, input.channels, 3, pixels);
  }

  /// Global mean, 1x1 convolution to width / reduction, and back.
  void channel_attention(std::int64_t width, std::int64_t reduction, std::int64_t pixels) {
    totals.paper_macs += width * (pixels + 1);
    conv(width, width / reduction, 1, 1);
    conv(width / reduction, width, 1, 1);
  }

  static std::vector<std::int64_t> upsampling_steps(std::int64_t scale) {
    if (scale % 2 != 0) return {scale};
    return scale == 4 ? std::vector<std::int64_t>{2, 2} : std::vector<std::int64_t>{scale};
  }
};

/// The pixels of one axis that an output pixel depends on, followed from the output backwards.
class Reach {
 public:
  explicit Reach(std::int64_t pixel) : first_(pixel), last_(pixel) {}

  void convolution(std::int64_t kernel) {
    first_ -= kernel / 2;
    last_ += kernel / 2;
  }
  void shuffle(std::int64_t factor) {
    first_ = floored(first_, factor);
    last_ = floored(last_, factor);
  }
  void window(std::int64_t size, std::int64_t shift) {
    first_ = floored(first_ - shift, size) * size + shift;
    last_ = floored(last_ - shift, size) * size + shift + size - 1;
  }
  void step_upsampler(std::int64_t scale) {
    convolution(3);
    auto steps = Counter::upsampling_steps(scale);
    for (auto factor = steps.rbegin(); factor != steps.rend(); ++factor) {
      shuffle(*factor);
      convolution(3);
    }
  }
  [[nodiscard]] std::int64_t side() const { return last_ - first_ + 1; }

 private:
  static std::int64_t floored(std::int64_t value, std::int64_t divisor) {
    return value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor);
  }
  std::int64_t first_, last_;
};

/// The largest reach over all places of an output pixel that differ: `follow` walks one. 0 where
/// nobody asks for it.
template <typename Follow>
std::int64_t largest_reach(const NetworkInput& input, std::int64_t places, Follow follow) {
  std::int64_t side = 0;
  if (!input.reach) return side;
  for (std::int64_t pixel = 0; pixel < places; ++pixel) {
    Reach reach(pixel);
    follow(reach);
    side = std::max(side, reach.side());
  }
  return side;
}

}  // namespace reprise::sweep
