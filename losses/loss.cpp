#include "losses/loss.h"

#include <boost/json.hpp>

#include "losses/dice.h"
#include "losses/distance.h"
#include "losses/vgg_loss.h"
#include "losses/wgan.h"
#include "sweep/error.h"

namespace reprise::losses {
namespace {

namespace json = boost::json;
using models::Unet;
using torch::Tensor;

class PixelLoss : public Loss {
 public:
  explicit PixelLoss(Distance distance) : distance_(distance) {}
  Tensor share(const Tensor& sr, const Tensor& hr, const LossContext& context) override {
    return distance_share(distance_, sr, hr, sr.size(0), context);
  }

 private:
  Distance distance_;
};

/// The frozen U-Net in the mode that a term asks for.
class Segmenter {
 public:
  Segmenter(std::shared_ptr<Unet> unet, bool training)
      : unet_(std::move(unet)), training_(training) {}

  /// `look(unet)` of sr, with gradients, and then of hr, without.
  template <typename Look>
  auto both(const Tensor& sr, const Tensor& hr, const LossContext& context, Look look) const {
    unet_->train(training_);
    if (training_) unet_->set_sum_over_ranks(context.sum);  // Statistics of the global batch.
    auto of_sr = look(*unet_, adapt(sr));
    torch::NoGradGuard no_grad;
    return std::pair(std::move(of_sr), look(*unet_, adapt(hr)));
  }

  [[nodiscard]] std::int64_t classes() const { return unet_->options().classes; }

 private:
  /// The image in as many channels as the U-Net has.
  [[nodiscard]] Tensor adapt(const Tensor& image) const {
    const auto channels = unet_->options().channels;
    if (image.size(1) == channels) return image;
    if (channels == 1) return image.reshape({-1, 1, image.size(2), image.size(3)});
    if (image.size(1) == 1) return image.expand({-1, channels, -1, -1});
    throw_invalid("loss: the U-Net takes " + std::to_string(channels) + " channels, images have " +
                  std::to_string(image.size(1)) + ": one of the two must be 1");
  }

  std::shared_ptr<Unet> unet_;
  bool training_;
};

/// Eq. 8 for the encoder blocks `first`..`last`, counted from 1, added up; `nested`: the running
/// sum is divided by the number of blocks after every addition, as the released code does.
class EncoderLoss : public Loss {
 public:
  EncoderLoss(Segmenter segmenter, Distance distance, int first, int last, bool nested)
      : segmenter_(std::move(segmenter)),
        distance_(distance),
        first_(first),
        last_(last),
        divisor_(nested ? last - first + 1 : 1) {}

  Tensor share(const Tensor& sr, const Tensor& hr, const LossContext& context) override {
    const auto [of_sr, of_hr] = segmenter_.both(
        sr, hr, context,
        [this](Unet& unet, const Tensor& image) { return unet.encode(image, last_); });
    Tensor total = torch::zeros({}, sr.options());
    for (auto i = static_cast<std::size_t>(first_); i <= static_cast<std::size_t>(last_); ++i) {
      total = (total + distance_share(distance_, of_sr[i - 1], of_hr[i - 1], sr.size(0), context)) /
              divisor_;
    }
    return total;
  }

 private:
  Segmenter segmenter_;
  Distance distance_;
  int first_, last_, divisor_;
};

class DecoderLoss : public Loss {
 public:
  DecoderLoss(Segmenter segmenter, Distance distance)
      : segmenter_(std::move(segmenter)), distance_(distance) {}

  Tensor share(const Tensor& sr, const Tensor& hr, const LossContext& context) override {
    const auto [of_sr, of_hr] = segmenter_.both(
        sr, hr, context,
        [](Unet& unet, const Tensor& image) { return unet.forward(image).decoder; });
    return distance_share(distance_, of_sr, of_hr, sr.size(0), context);
  }

 private:
  Segmenter segmenter_;
  Distance distance_;
};

class LabelLoss : public Loss {
 public:
  explicit LabelLoss(Segmenter segmenter) : segmenter_(std::move(segmenter)) {
    for (std::int64_t i = 1; i < segmenter_.classes(); ++i) foreground_.push_back(i);
  }

  Tensor share(const Tensor& sr, const Tensor& hr, const LossContext& context) override {
    const auto [of_sr, of_hr] =
        segmenter_.both(sr, hr, context,
                        [](Unet& unet, const Tensor& image) { return unet.forward(image).logits; });
    return dice_loss(of_sr, of_hr.argmax(1), foreground_, context.sum) / context.ranks;
  }

 private:
  Segmenter segmenter_;
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

/// A term's choice between two texts; the first is the default. Errors: InvalidInput.
bool is_second(const json::object& term, const std::string& key, std::string_view first,
               std::string_view second) {
  const json::value* value = term.if_contains(key);
  if (value == nullptr) return false;
  if (value->is_string() && value->get_string() == first) return false;
  if (value->is_string() && value->get_string() == second) return true;
  throw_invalid("loss." + key + " = " + json::serialize(*value) + ": must be \"" +
                std::string(first) + "\" or \"" + std::string(second) + "\"");
}

bool is_encoder_block(const std::string& name) {
  return name.size() == 2 && name[0] == 'e' && name[1] >= '1' && name[1] <= '5';
}

void check_keys(const json::object& term, const std::string& name) {
  const bool has_distance =
      name == "l1" || name == "d" || name == "sum_e" || is_encoder_block(name);
  const bool has_unet = name == "hrl" || (has_distance && name != "l1");
  for (const auto& [key, value] : term) {
    const bool known = key == "name" || key == "weight" || (key == "distance" && has_distance) ||
                       (key == "unet_mode" && has_unet) || (key == "sum" && name == "sum_e") ||
                       (key == "layer" && name == "vgg") ||
                       ((key == "penalty" || key == "learning_rate" || key == "critic_steps") &&
                        name == "wgan-gp");
    if (!known) throw_invalid("loss \"" + name + "\": no such key \"" + std::string(key) + "\"");
  }
}

std::unique_ptr<Loss> make_unet_term(const json::object& term, const std::string& name,
                                     Distance distance, const std::shared_ptr<Unet>& unet) {
  if (!unet) throw_invalid("loss \"" + name + "\" needs a segmentation U-Net");
  const Segmenter segmenter(unet, is_second(term, "unet_mode", "eval", "train"));
  if (name == "d") return std::make_unique<DecoderLoss>(segmenter, distance);
  if (name == "hrl") return std::make_unique<LabelLoss>(segmenter);
  const int first = is_encoder_block(name) ? name[1] - '0' : 1;
  const int last = is_encoder_block(name) ? first : 5;
  return std::make_unique<EncoderLoss>(segmenter, distance, first, last,
                                       is_second(term, "sum", "sum", "nested"));
}

std::unique_ptr<Loss> make_term(const json::object& term, const std::string& name,
                                const LossNetworks& networks) {
  const Distance distance =
      is_second(term, "distance", "l1", "mse") ? Distance::MeanSquare : Distance::L1;
  if (name == "l1") return std::make_unique<PixelLoss>(distance);
  if (name == "vgg") {
    if (!networks.vgg) throw_invalid("loss \"vgg\" needs the weights of VGG-19");
    const bool shallow = is_second(term, "layer", "conv5_4", "conv2_2");
    return make_vgg_loss(
        networks.vgg(shallow ? models::VggLayer::Conv22 : models::VggLayer::Conv54));
  }
  if (name == "wgan-gp") {
    if (!networks.critic) throw_invalid("loss \"wgan-gp\" needs a critic");
    return make_adversarial_loss(networks.critic);
  }
  if (!is_encoder_block(name) && name != "sum_e" && name != "d" && name != "hrl") {
    throw_invalid("loss \"" + name + "\": no such loss");
  }
  return make_unet_term(term, name, distance, networks.segmenter);
}

/// The term's weight. Errors: InvalidInput.
double weight_of(const json::object& term, const std::string& name) {
  const json::value* weight = term.if_contains("weight");
  if (weight == nullptr || !weight->is_number()) {
    throw_invalid("loss \"" + name + "\": weight must be a number");
  }
  return weight->to_number<double>();
}

}  // namespace

std::unique_ptr<Loss> make_loss(const json::array& terms, const LossNetworks& networks) {
  if (terms.empty()) throw_invalid("loss: at least one term is needed");
  if (networks.segmenter) {
    networks.segmenter->eval();
    for (Tensor& parameter : networks.segmenter->parameters()) parameter.requires_grad_(false);
  }
  auto total = std::make_unique<WeightedSum>();
  for (const json::value& item : terms) {
    const json::value* given = item.is_object() ? item.get_object().if_contains("name") : nullptr;
    if (given == nullptr || !given->is_string()) {
      throw_invalid("loss " + json::serialize(item) + ": must be an object with a name");
    }
    const json::object& term = item.get_object();
    const std::string name(given->get_string());
    check_keys(term, name);
    total->add(weight_of(term, name), make_term(term, name, networks));
  }
  return total;
}

}  // namespace reprise::losses
