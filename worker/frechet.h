#pragma once
/// The Fréchet distance between two sets of features (Heusel et al. 2017), in float64.

#include "models/torch.h"

namespace reprise::worker {

/// |μa - μb|² + Tr(Σa + Σb - 2 (Σa Σb)^½) of features [Na,F] and [Nb,F], covariances with N - 1.
///
/// Exact for any number of rows: the trace of (Σa Σb)^½ is the sum of the singular values of
/// A Bᵀ, where A and B are the centred rows over √(N - 1); so singular covariances (fewer slices
/// than features) need no jitter and no matrix square root, which the reference's SciPy call is
/// numerically soft in. Needs two rows each.
double frechet_distance(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace reprise::worker
