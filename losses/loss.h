#pragma once
/// Training losses of super-resolution networks: weighted sums of named terms (paper Eq. 12).
///
/// Ranks: every rank returns its share; the shares of all ranks add up to the loss of the global
/// batch, and gradients are summed over ranks. So results do not depend on the size of the gang.

#include <boost/json/array.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/critic.h"
#include "models/cross_rank.h"
#include "models/torch.h"
#include "models/unet.h"
#include "models/vgg.h"

namespace reprise::losses {

struct LossContext {
  std::int64_t global_batch = 1;
  int ranks = 1;
  models::SumOverRanks sum;  ///< Empty for one rank.
};

/// One term: sr and hr are [N, C, H, W] in [0, 1]; the share is a scalar. Gradients flow to sr
/// only.
class Loss {
 public:
  Loss() = default;
  virtual ~Loss() = default;
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;
  Loss(Loss&&) = delete;
  Loss& operator=(Loss&&) = delete;
  virtual torch::Tensor share(const torch::Tensor& sr, const torch::Tensor& hr,
                              const LossContext& context) = 0;
};

/// The networks that terms look through; those that no term needs may be empty.
struct LossNetworks {
  std::shared_ptr<models::Unet> segmenter;
  std::function<std::shared_ptr<models::Vgg19>(models::VggLayer)> vgg;
  std::shared_ptr<models::Critic> critic;
};

/// Makes the weighted sum of `terms`, each {"name", "weight"} and its switches:
///
///   name       "l1" (Eq. 6), "e1".."e5" and "sum_e" (Eq. 8 for one encoder block, and the plain
///              sum of all five), "d" (Eq. 9), "hrl" (Eq. 10, Dice loss of classes 1 and up against
///              the arg-max labels of hr), "vgg", "wgan-gp" (the generator's side)
///   distance   of e1..e5, sum_e and d: "l1" (default, the paper's) or "mse" (the released code's)
///   unet_mode  of the same and hrl: "eval" (default) or "train" (what the released code does:
///   batch
///              statistics of sr and of hr apart, over all ranks; the running statistics drift)
///   sum        of "sum_e": "sum" (default), or "nested" (released: the running sum is divided by
///              5 after every addition, so that the deepest block weighs most)
///   layer      of "vgg": "conv5_4" (default) or "conv2_2"
///   penalty, learning_rate, critic_steps   of "wgan-gp": for whoever trains the critic
///
/// A U-Net of one channel sees every channel of an image as an image of its own; one of several
/// sees an image of one channel repeated (Table 10's transfer).
/// The weights of segmenter and VGG are frozen here. Terms switch the segmenter between its modes
/// as they run.
/// Errors: InvalidInput for an unknown name, key or value, or a term whose network is missing.
std::unique_ptr<Loss> make_loss(const boost::json::array& terms, const LossNetworks& networks);

}  // namespace reprise::losses
