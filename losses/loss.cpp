#include "losses/loss.h"

#include <boost/json.hpp>

#include "losses/dice.h"
#include "sweep/error.h"

namespace reprise::losses {
namespace {

namespace json = boost::json;
using models::Unet;
using torch::Tensor;

enum class Distance { L1, MeanSquare };

/// This rank's share of the mean distance over the global batch.
Tensor distance_share(Distance distance, const Tensor& a, const Tensor& b,
                      const LossContext& context) {
  const double elements = static_cast<double>(a.numel()) / static_cast<double>(a.size(0)) *
                          static_cast<double>(context.global_batch);
  const Tensor difference = a - b;
  return (distance == Distance::L1 ? difference.abs() : difference.square()).sum() / elements;
}

class PixelLoss : public Loss {
 public:
  explicit PixelLoss(Distance distance) : distance_(distance) {}
  Tensor share(const Tensor& sr, const Tensor& hr, const LossContext& context) override {
    return distance_share(distance_, sr, hr, context);
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
    auto of_sr = look(*unet_, sr);
    torch::NoGradGuard no_grad;
    return std::pair(std::move(of_sr), look(*unet_, hr));
  }

  [[nodiscard]] std::int64_t classes() const { return unet_->options().classes; }

 private:
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
      total = (total + distance_share(distance_, of_sr[i - 1], of_hr[i - 1], context)) / divisor_;
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
    return distance_share(distance_, of_sr, of_hr, context);
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

void check_keys(const json::object& term, const std::string& name) {
  for (const auto& [key, value] : term) {
    const bool known = key == "name" || key == "weight" || (key == "distance" && name != "hrl") ||
                       (key == "unet_mode" && name != "l1") || (key == "sum" && name == "sum_e");
    if (!known) throw_invalid("loss \"" + name + "\": no such key \"" + std::string(key) + "\"");
  }
}

std::unique_ptr<Loss> make_term(const json::object& term, const std::string& name,
                                const std::shared_ptr<Unet>& unet) {
  const Distance distance =
      is_second(term, "distance", "l1", "mse") ? Distance::MeanSquare : Distance::L1;
  if (name == "l1") return std::make_unique<PixelLoss>(distance);
  const bool one_block = name.size() == 2 && name[0] == 'e' && name[1] >= '1' && name[1] <= '5';
  if (!one_block && name != "sum_e" && name != "d" && name != "hrl") {
    throw_invalid("loss \"" + name + "\": no such loss");
  }
  if (!unet) throw_invalid("loss \"" + name + "\" needs a segmentation U-Net");
  const Segmenter segmenter(unet, is_second(term, "unet_mode", "eval", "train"));
  if (name == "d") return std::make_unique<DecoderLoss>(segmenter, distance);
  if (name == "hrl") return std::make_unique<LabelLoss>(segmenter);
  const int first = one_block ? name[1] - '0' : 1;
  const int last = one_block ? first : 5;
  return std::make_unique<EncoderLoss>(segmenter, distance, first, last,
                                       is_second(term, "sum", "sum", "nested"));
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

std::unique_ptr<Loss> make_loss(const json::array& terms, const std::shared_ptr<Unet>& segmenter) {
  if (terms.empty()) throw_invalid("loss: at least one term is needed");
  if (segmenter) {
    segmenter->eval();
    for (Tensor& parameter : segmenter->parameters()) parameter.requires_grad_(false);
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
    total->add(weight_of(term, name), make_term(term, name, segmenter));
  }
  return total;
}

}  // namespace reprise::losses
