#pragma once
/// Size and cost of a network, by arithmetic: it is neither built nor run.

#include <boost/json/object.hpp>
#include <cstdint>

namespace reprise::sweep {

/// What a network is applied to.
struct NetworkInput {
  std::int64_t channels = 1, scale = 4;
  std::int64_t height = 40, width = 32;  ///< LR pixels; the paper's tables use 40 x 32.
  /// False: leave the receptive field 0, which takes longer to find than all counts.
  bool reach = true;
};

struct NetworkProfile {
  std::int64_t parameters = 0;  ///< Every one, fixed mean shifts included (the reference's count).
  /// As the paper counts (the tool thop): without relative-position tables, layer scales,
  /// ConvNeXt's own layer norms, and layers that do not run.
  std::int64_t paper_parameters = 0;
  /// Multiply-adds as the paper counts: convolutions and linear layers without bias, 2 for each
  /// element of a LayerNorm, softmaxes and global pools; not the products q kᵀ and attention v.
  std::int64_t paper_macs = 0;
  /// Multiply-adds of convolutions, linear layers and all matrix products, attention's included.
  std::int64_t product_macs = 0;
  /// Layers as Table 5 counts them: linear layers and convolutions of the body.
  std::int64_t depth = 0;
  /// Side of the square of LR pixels that one output pixel may depend on, in the worst place and
  /// not cut by the image's border; 0: the whole image (global pooling).
  std::int64_t receptive_field = 0;
};

/// `network` is complete (`resolve_network`). An image whose sides are no multiples of the window
/// costs as much as the padded one.
NetworkProfile profile_network(const boost::json::object& network, const NetworkInput& input);

}  // namespace reprise::sweep
