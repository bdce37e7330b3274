#include "sweep/network_profile.h"

#include <algorithm>
#include <boost/json.hpp>
#include <string_view>
#include <vector>

#include "sweep/layer_counter.h"
#include "sweep/network_schema.h"

namespace reprise::sweep {
namespace {

using boost::json::object;

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
  count.totals.receptive_field = largest_reach(input, input.scale * window, [&](Reach& reach) {
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
  count.totals.receptive_field = largest_reach(input, input.scale * window, [&](Reach& reach) {
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
  return largest_reach(input, input.scale, [&](Reach& reach) {
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
