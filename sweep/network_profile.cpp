#include "sweep/network_profile.h"

#include <algorithm>
#include <boost/json.hpp>
#include <string_view>
#include <vector>

#include "sweep/network_schema.h"

namespace reprise::sweep {
namespace {

using boost::json::object;

std::int64_t up_to_multiple(std::int64_t value, std::int64_t multiple) {
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

/// The largest reach over all places of an output pixel that differ: `follow` walks one.
template <typename Follow>
std::int64_t largest_reach(std::int64_t places, Follow follow) {
  std::int64_t side = 0;
  for (std::int64_t pixel = 0; pixel < places; ++pixel) {
    Reach reach(pixel);
    follow(reach);
    side = std::max(side, reach.side());
  }
  return side;
}

std::int64_t natural(const object& network, std::string_view key) {
  return network.at(key).as_int64();
}

NetworkProfile profile_rdst(const object& network, const NetworkInput& input) {
  Counter count;
  const std::int64_t width = natural(network, "width"), growth = natural(network, "growth");
  const std::int64_t heads = natural(network, "heads"), window = natural(network, "window");
  const auto layers = per_block(network, "layers"), dense = per_block(network, "dense_layers");
  const auto blocks = static_cast<std::int64_t>(layers.size());
  const bool gff = network.at("gff").as_bool();
  const std::int64_t pixels =
      up_to_multiple(input.height, window) * up_to_multiple(input.width, window);
  count.mean_shift(input.channels, pixels);
  count.conv(input.channels, width, 3, pixels);
  count.layer_norm(width, pixels);
  for (std::size_t b = 0; b < layers.size(); ++b) {
    std::int64_t channels = width;
    for (std::int64_t d = 0; d < dense[b]; ++d, channels += growth) {
      for (std::int64_t i = 0; i < layers[b]; ++i) {
        count.swin_layer(channels, heads, window, pixels);
      }
      if (channels == growth) continue;  // Without a bottleneck.
      count.layer_norm(channels, pixels);
      count.linear(channels, growth, pixels);
    }
    count.conv(channels, width, 3, pixels);
    count.totals.depth += dense[b] * (layers[b] * 4 + 1) + 1;
  }
  if (gff) {
    count.unseen(2 * width + width * width * 9 + width);  // The norm and convolution that idle.
    count.linear(blocks * width, width, pixels);
    count.linear(width, width, pixels);
  } else {
    count.layer_norm(width, pixels);
    count.conv(width, width, 3, pixels);
  }
  count.totals.depth += gff ? 4 : 2;
  count.step_upsampler(width, input, pixels);
  count.mean_shift(input.channels, pixels * input.scale * input.scale);
  count.totals.receptive_field = largest_reach(input.scale * window, [&](Reach& reach) {
    reach.step_upsampler(input.scale);
    if (!gff) reach.convolution(3);
    for (std::size_t b = layers.size(); b-- > 0;) {
      reach.convolution(3);
      for (std::int64_t d = 0; d < dense[b]; ++d) {
        for (std::int64_t i = layers[b]; i-- > 0;) {
          reach.window(window, i % 2 == 0 ? 0 : window / 2);
        }
      }
    }
    reach.convolution(3);
  });
  return count.totals;
}

NetworkProfile profile_swinir(const object& network, const NetworkInput& input) {
  constexpr std::int64_t kStepWidth = 64;
  Counter count;
  const std::int64_t width = natural(network, "width"), window = natural(network, "window");
  const std::int64_t heads = natural(network, "heads");
  const auto layers = per_block(network, "layers");
  const bool steps = network.at("upsampler").as_string() == "steps";
  const bool shifts = network.at("shift").as_bool();
  const std::int64_t pixels =
      up_to_multiple(input.height, window) * up_to_multiple(input.width, window);
  count.conv(input.channels, width, 3, pixels);
  count.layer_norm(width, pixels);
  for (std::size_t b = 0; b < layers.size(); ++b) {
    for (std::int64_t i = 0; i < layers[b]; ++i) {
      count.swin_layer(width, heads, window, pixels);
    }
    count.conv(width, width, 3, pixels);
    count.totals.depth += layers[b] * 4 + 1;
  }
  count.layer_norm(width, pixels);
  count.conv(width, width, 3, pixels);
  if (steps) {
    count.conv(width, kStepWidth, 3, pixels);
    count.step_upsampler(kStepWidth, input, pixels);
  } else {
    count.conv(width, input.channels * input.scale * input.scale, 3, pixels);
  }
  count.totals.receptive_field = largest_reach(input.scale * window, [&](Reach& reach) {
    if (steps) {
      reach.step_upsampler(input.scale);
    } else {
      reach.shuffle(input.scale);
    }
    reach.convolution(3);  // Before the upsampler, or the direct one.
    reach.convolution(3);
    for (std::size_t b = layers.size(); b-- > 0;) {
      reach.convolution(3);
      for (std::int64_t i = layers[b]; i-- > 0;) {
        reach.window(window, shifts && i % 2 == 1 ? window / 2 : 0);
      }
    }
    reach.convolution(3);
  });
  return count.totals;
}

/// What EDSR, RDN, RCAN and HAN have around their bodies: mean shifts, a convolution, an upsampler.
template <typename Body>
NetworkProfile profile_cnn(const object& network, const NetworkInput& input, Body body) {
  Counter count;
  const std::int64_t width = natural(network, "width"), pixels = input.height * input.width;
  count.mean_shift(input.channels, pixels);
  count.conv(input.channels, width, 3, pixels);
  body(count, width, pixels);
  count.step_upsampler(width, input, pixels);
  count.mean_shift(input.channels, pixels * input.scale * input.scale);
  return count.totals;
}

/// Receptive field of `convolutions` of a kernel between the first convolution and the upsampler.
std::int64_t cnn_reach(const NetworkInput& input, std::int64_t convolutions, std::int64_t kernel) {
  return largest_reach(input.scale, [&](Reach& reach) {
    reach.step_upsampler(input.scale);
    for (std::int64_t i = 0; i < convolutions; ++i) reach.convolution(kernel);
    reach.convolution(3);
  });
}

NetworkProfile profile_edsr(const object& network, const NetworkInput& input) {
  const std::int64_t blocks = natural(network, "blocks");
  return profile_cnn(network, input, [&](Counter& count, std::int64_t width, std::int64_t pixels) {
    for (std::int64_t i = 0; i < 2 * blocks + 1; ++i) count.conv(width, width, 3, pixels);
    count.totals.depth = 2 * blocks;
    count.totals.receptive_field = cnn_reach(input, 2 * blocks + 1, 3);
  });
}

NetworkProfile profile_rdn(const object& network, const NetworkInput& input) {
  const std::int64_t blocks = natural(network, "blocks"), layers = natural(network, "layers");
  const std::int64_t growth = natural(network, "growth");
  return profile_cnn(network, input, [&](Counter& count, std::int64_t width, std::int64_t pixels) {
    count.conv(width, width, 3, pixels);
    for (std::int64_t b = 0; b < blocks; ++b) {
      for (std::int64_t i = 0; i < layers; ++i) {
        count.conv(width + i * growth, growth, 3, pixels);
      }
      count.conv(width + layers * growth, width, 1, pixels);
    }
    count.conv(blocks * width, width, 1, pixels);
    count.conv(width, width, 3, pixels);
    count.totals.depth = blocks * (layers + 1) + 2;
    count.totals.receptive_field = cnn_reach(input, blocks * layers + 2, 3);
  });
}

NetworkProfile profile_rcan(const object& network, const NetworkInput& input) {
  const std::int64_t groups = natural(network, "groups"), blocks = natural(network, "blocks");
  const std::int64_t reduction = natural(network, "reduction");
  return profile_cnn(network, input, [&](Counter& count, std::int64_t width, std::int64_t pixels) {
    for (std::int64_t i = 0; i < groups * blocks; ++i) {
      for (int pair = 0; pair < 2; ++pair) {  // Each a gate and two convolutions.
        count.conv(width, width, 1, pixels);
        count.conv(width, width, 3, pixels);
        count.conv(width, width, 3, pixels);
      }
      count.channel_attention(width, reduction, pixels);
    }
    for (std::int64_t i = 0; i < groups + 1; ++i) count.conv(width, width, 3, pixels);
    count.totals.depth = groups * (blocks * 8 + 1);
  });
}

NetworkProfile profile_han(const object& network, const NetworkInput& input) {
  const std::int64_t groups = natural(network, "groups"), blocks = natural(network, "blocks");
  const std::int64_t reduction = natural(network, "reduction");
  return profile_cnn(network, input, [&](Counter& count, std::int64_t width, std::int64_t pixels) {
    for (std::int64_t i = 0; i < groups * blocks; ++i) {
      count.conv(width, width, 3, pixels);
      count.conv(width, width, 3, pixels);
      count.channel_attention(width, reduction, pixels);
    }
    for (std::int64_t i = 0; i < groups + 1; ++i) count.conv(width, width, 3, pixels);
    const std::int64_t items = groups + 1;  // Layer attention: one row for each item.
    count.unseen(1);
    count.softmax(items, items);
    count.product(2 * items * items * width * pixels);
    count.conv(items * width, width, 3, pixels);
    count.unseen(1);  // Channel-spatial attention: one 3x3x3 kernel over (channel, row, column).
    count.weighted(27 + 1, 27 * width * pixels);
    count.conv(2 * width, width, 3, pixels);
    count.totals.depth = groups * (blocks * 4 + 1) + 1;
  });
}

NetworkProfile profile_convnet(const object& network, const NetworkInput& input) {
  Counter count;
  const std::int64_t width = natural(network, "width"), blocks = natural(network, "blocks");
  const std::int64_t pixels = input.height * input.width;
  // Mean shifts exist and do not run.
  count.unseen(2 * (input.channels * input.channels + input.channels));
  count.conv(input.channels, width, 3, pixels);
  for (std::int64_t b = 0; b < blocks; ++b) {
    count.conv(width, width, 7, pixels, /*groups=*/width);
    count.unseen(2 * width);  // A LayerNorm class of its own, which thop does not know.
    count.linear(width, 4 * width, pixels);
    count.linear(4 * width, width, pixels);
    count.unseen(width);  // Layer scale.
  }
  count.step_upsampler(width, input, pixels);
  count.totals.depth = 3 * blocks;
  count.totals.receptive_field = cnn_reach(input, blocks, 7);
  return count.totals;
}

}  // namespace

NetworkProfile profile_network(const object& network, const NetworkInput& input) {
  const std::string_view name = network.at("name").as_string();
  if (name == "rdst") return profile_rdst(network, input);
  if (name == "swinir") return profile_swinir(network, input);
  if (name == "edsr") return profile_edsr(network, input);
  if (name == "rdn") return profile_rdn(network, input);
  if (name == "rcan") return profile_rcan(network, input);
  if (name == "han") return profile_han(network, input);
  return profile_convnet(network, input);
}

}  // namespace reprise::sweep
