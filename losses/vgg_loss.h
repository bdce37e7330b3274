#pragma once
/// The VGG perceptual loss (Johnson et al. 2016), as the paper's "VGG" rows use it.

#include <memory>

#include "losses/loss.h"
#include "models/vgg.h"

namespace reprise::losses {

/// Mean square between VGG-19 features of sr and hr, without gradient to hr. Images of 1 or 3
/// channels; of others, the losses of the single channels are added up, as in the released code.
/// The network's weights are frozen here.
std::unique_ptr<Loss> make_vgg_loss(std::shared_ptr<models::Vgg19> vgg);

}  // namespace reprise::losses
