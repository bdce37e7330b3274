#include "losses/loss.h"

#include <boost/json.hpp>

#include "losses/dice.h"
#include "sweep/error.h"

namespace reprise::losses {
namespace {

using models::Unet;
using torch::Tensor;

/// This rank's share of the mean absolute difference over the global batch.
Tensor l1_share(const Tensor& a, const Tensor& b, const LossContext& context) {
  const double elements = static_cast<double>(a.numel()) / static_cast<double>(a.size(0)) *
                          static_cast<double>(context.global_batch);
  return (a - b).abs().sum() / elements;
}

class L1Loss : public Loss {
 public:
  Tensor share(const Tensor& sr, const Tensor& hr, const LossContext& context) override {
    return l1_share(sr, hr, context);
  }
};

/// Eq. 8 for the encoder blocks `first`..`last`, counted from 1, added up.
class EncoderLoss : public Loss {
 public:
  EncoderLoss(std::shared_ptr<Unet> segmenter, int first, int last)
      : segmenter_(std::move(segmenter)), first_(first), last_(last) {}

  Tensor share(const Tensor& sr, const Tensor& hr, const LossContext& context) override {
    const auto sr_features = segmenter_->encode(sr, last_);
    std::array<Tensor, 5> hr_features;
    {
      torch::NoGradGuard no_grad;
      hr_features = segmenter_->encode(hr, last_);
    }
    Tensor total = torch::zeros({}, sr.options());
    for (auto i = static_cast<std::size_t>(first_); i <= static_cast<std::size_t>(last_); ++i) {
      total = total + l1_share(sr_features[i - 1], hr_features[i - 1], context);
    }
    return total;
  }

 private:
  std::shared_ptr<Unet> segmenter_;
  int first_, last_;
};

class DecoderLoss : public Loss {
 public:
  explicit DecoderLoss(std::shared_ptr<Unet> segmenter) : segmenter_(std::move(segmenter)) {}

  Tensor share(const Tensor& sr, const Tensor& hr, const LossContext& context) override {
    const Tensor sr_features = segmenter_->forward(sr).decoder;
    Tensor hr_features;
    {
      torch::NoGradGuard no_grad;
      hr_features = segmenter_->forward(hr).decoder;
    }
    return l1_share(sr_features, hr_features, context);
  }

 private:
  std::shared_ptr<Unet> segmenter_;
};

class LabelLoss : public Loss {
 public:
  explicit LabelLoss(std::shared_ptr<Unet> segmenter) : segmenter_(std::move(segmenter)) {
    for (std::int64_t i = 1; i < segmenter_->options().classes; ++i) foreground_.push_back(i);
  }

  Tensor share(const Tensor& sr, const Tensor& hr, const LossContext& context) override {
    const Tensor logits = segmenter_->forward(sr).logits;
    Tensor labels;
    {
      torch::NoGradGuard no_grad;
      labels = segmenter_->forward(hr).logits.argmax(1);
    }
    return dice_loss(logits, labels, foreground_, context.sum) / context.ranks;
  }

 private:
  std::shared_ptr<Unet> segmenter_;
  std::vector<std::int64_t> foreground_;
};

class WeightedSum : public Loss {
 public:
  void add(double weight, std::unique_ptr<Loss> term) {
    terms_.emplace_back(weight, std::move(term));
  }

  Tensor share(const Tensor& sr, const Tensor& hr, const LossContext& context) override {
    Tensor total;
    for (const auto& [weight, term] : terms_) {
      const Tensor weighted = term->share(sr, hr, context) * weight;
      total = total.defined() ? total + weighted : weighted;
    }
    return total;
  }

 private:
  std::vector<std::pair<double, std::unique_ptr<Loss>>> terms_;
};

std::unique_ptr<Loss> make_term(const std::string& name, const std::shared_ptr<Unet>& segmenter) {
  if (name == "l1") return std::make_unique<L1Loss>();
  if (!segmenter) throw_invalid("loss \"" + name + "\" needs a segmentation U-Net");
  if (name == "sum_e") return std::make_unique<EncoderLoss>(segmenter, 1, 5);
  if (name == "d") return std::make_unique<DecoderLoss>(segmenter);
  if (name == "hrl") return std::make_unique<LabelLoss>(segmenter);
  if (name.size() == 2 && name[0] == 'e' && name[1] >= '1' && name[1] <= '5') {
    return std::make_unique<EncoderLoss>(segmenter, name[1] - '0', name[1] - '0');
  }
  throw_invalid("loss \"" + name + "\": no such loss");
}

}  // namespace

std::unique_ptr<Loss> make_loss(const boost::json::array& terms,
                                const std::shared_ptr<Unet>& segmenter) {
  if (terms.empty()) throw_invalid("loss: at least one term is needed");
  if (segmenter) {
    segmenter->eval();
    for (Tensor& parameter : segmenter->parameters()) parameter.requires_grad_(false);
  }
  auto total = std::make_unique<WeightedSum>();
  for (const boost::json::value& term : terms) {
    const std::string name(term.at("name").as_string());
    total->add(term.at("weight").to_number<double>(), make_term(name, segmenter));
  }
  return total;
}

}  // namespace reprise::losses
