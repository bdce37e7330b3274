/// Segmentation U-Net and the losses.

#include <torch/optim/adam.h>

#include <boost/json.hpp>
#include <cmath>

#include "losses/dice.h"
#include "losses/loss.h"
#include "losses/vgg_loss.h"
#include "losses/wgan.h"
#include "models/critic.h"
#include "models/network.h"
#include "models/unet.h"
#include "models/vgg.h"
#include "sweep/error.h"
#include "worker/golden/checks.h"

namespace reprise::golden {
namespace {

namespace json = boost::json;
using torch::Tensor;

losses::LossContext single_rank(const Tensor& images) {
  return {.global_batch = images.size(0), .ranks = 1, .sum = {}};
}

std::shared_ptr<models::Unet> unet_of(const GoldenFile& file) {
  if (file.has_text("encoder") && file.text("encoder") != "resnet34") {
    throw_invalid("encoder " + file.text("encoder") + ": not supported");
  }
  auto unet = std::make_shared<models::Unet>(models::UnetOptions{
      .channels = file.integer("in_channels"), .classes = file.integer("classes"), .width = 64});
  file.fill(*unet);
  return unet;
}

/// `noise`: 0 in float32, else what the file says of its own rounding.
/// GCC 12 sees an overflow in `"E" + std::to_string(i)` that is not there.
std::string numbered(const char* prefix, std::size_t number) {
  std::string name = prefix;
  name.append(std::to_string(number));
  return name;
}

void check_unet_mode(const GoldenFile& file, const std::string& mode, double noise,
                     Comparisons& out) {
  const auto unet = unet_of(file);
  if (noise > 0) to_double(*unet);
  unet->train(mode == "train");
  const auto type = noise > 0 ? torch::kFloat64 : torch::kFloat32;
  const std::string prefix = "out." + mode + ".",
                    label = (noise > 0 ? "float64 " : "") + mode + ".";
  // Deep batch statistics of few values amplify rounding.
  const double tolerance = noise > 0 ? kRoundingMargin * noise : 2e-4;
  const Tensor x = file.tensor("in.x").to(type).clone().requires_grad_(true);
  const models::UnetOutput got = unet->forward(x);
  const Tensor loss = losses::dice_loss(got.logits, file.tensor("in.label"), {}, {});
  loss.backward();
  const auto compare = [&](const std::string& name, const Tensor& value, double by) {
    if (file.has(prefix + name)) out.tensors(label + name, value, file.tensor(prefix + name), by);
  };
  for (std::size_t i = 0; i < 5; ++i) compare(numbered("E", i + 1), got.encoder[i], tolerance);
  compare("D", got.decoder, tolerance);
  compare("logits", got.logits, tolerance);
  compare("dice_loss", loss, tolerance);
  if (noise > 0) return;
  if (file.has(prefix + "gradx")) {
    out.tensors(label + "gradx", x.grad(), file.tensor(prefix + "gradx"), 2e-2, 1e-12);
  }
  const auto state = models::state_of(*unet);
  for (const std::string& key : file.names_behind(prefix + "buffer_after.")) {
    compare("buffer_after." + key, state.tensors.at(key), 1e-5);
  }
  const std::string norms = "gradnorm." + mode + ".";
  if (file.largest(norms) > 0) compare_gradient_norms(out, *unet, file, norms, norms, 1e-2);
}

/// The loss of a recorded name ("E3_mse", "sumE_code_l1", "D_l1") as a term of a study.
std::optional<json::object> term_of(const std::string& name, const std::string& mode) {
  json::object term = {{"weight", 1.0}, {"unet_mode", mode}};
  const bool is_square = name.ends_with("_mse");
  if (!is_square && !name.ends_with("_l1") && name != "HRL_fg") return std::nullopt;
  if (name == "HRL_fg") {
    term["name"] = "hrl";
    return term;
  }
  term["distance"] = is_square ? "mse" : "l1";
  if (name.rfind("sumE_", 0) == 0) {
    term["name"] = "sum_e";
    if (name.rfind("sumE_code", 0) == 0) term["sum"] = "nested";
  } else if (name.rfind("D_", 0) == 0) {
    term["name"] = "d";
  } else if (name.size() > 2 && name[0] == 'E' && name[2] == '_') {
    term["name"] = std::string("e") + name[1];
  } else {
    return std::nullopt;
  }
  return term;
}

/// Losses on labels that no term of a study stands for.
Tensor label_loss(const std::string& name, models::Unet& unet, const GoldenFile& file,
                  const Tensor& sr) {
  std::vector<std::int64_t> classes;
  if (name.ends_with("_fg")) {
    for (std::int64_t i = 1; i < unet.options().classes; ++i) classes.push_back(i);
  }
  const Tensor logits = unet.forward(sr).logits;
  if (name.rfind("GTL_", 0) == 0) {
    return losses::dice_loss(logits, file.tensor("in.label"), classes, {});
  }
  if (name.rfind("HRL_", 0) != 0) throw_corrupt("unknown loss " + name);
  const torch::NoGradGuard no_grad;
  const Tensor labels = unet.forward(file.tensor("in.hr")).logits.argmax(1);
  const torch::AutoGradMode grad(true);
  return losses::dice_loss(logits, labels, classes, {});
}

void check_perceptual_loss(const GoldenFile& file, const std::string& name, const std::string& mode,
                           const std::shared_ptr<models::Unet>& unet, Comparisons& out) {
  const std::string suffix = name + "." + mode;
  const Tensor hr = file.tensor("in.hr");
  const Tensor sr = file.tensor("in.sr").clone().requires_grad_(true);
  Tensor value;
  if (const auto term = term_of(name, mode)) {
    const auto loss = losses::make_loss({*term}, {.segmenter = unet, .vgg = {}, .critic = {}});
    value = loss->share(sr, hr, single_rank(hr));
  } else {
    unet->train(mode == "train");
    value = label_loss(name, *unet, file, sr);
  }
  value.backward();
  const double want = file.number("out.loss." + suffix);
  out.numbers("loss." + suffix, value.item<double>(), want, 1e-4 * std::max(1e-2, std::abs(want)));
  // Losses on labels go through 45 batch statistics of few values in training mode: the recorded
  // float32 gradient itself is 1.4 % of its largest value away from float64.
  const bool is_soft = mode == "train" && (name[0] == 'H' || name[0] == 'G');
  const double tolerance = is_soft ? 3e-2 : 1e-3;
  if (file.has("out.grad_sr." + suffix)) {
    out.tensors("grad_sr." + suffix, sr.grad(), file.tensor("out.grad_sr." + suffix), tolerance,
                1e-12);
  }
  if (file.has("gradnorm.sr." + suffix)) {
    const double norm = file.number("gradnorm.sr." + suffix);
    out.numbers("gradnorm.sr." + suffix, sr.grad().to(torch::kFloat64).norm().item<double>(), norm,
                tolerance * norm);
  }
}

}  // namespace

void check_unet(const GoldenFile& file, Comparisons& out) {
  for (const std::string mode : {"eval", "train"}) {
    if (!file.has("out." + mode + ".logits")) continue;
    check_unet_mode(file, mode, 0, out);
    const std::string noise = "f32_vs_f64." + mode;
    if (file.has_text(noise)) {
      check_unet_mode(file, mode, file.json(noise).to_number<double>(), out);
    }
  }
  if (out.all().empty()) throw_corrupt("has neither out.eval.logits nor out.train.logits");
}

void check_perceptual(const GoldenFile& file, Comparisons& out) {
  for (const std::string mode : {"eval", "train"}) {
    const auto unet = unet_of(file);  // Training mode lets running statistics drift.
    const std::string suffix = "." + mode;
    for (const std::string& name : file.names_behind("out.loss.")) {
      if (!name.ends_with(suffix)) continue;
      check_perceptual_loss(file, name.substr(0, name.size() - suffix.size()), mode, unet, out);
    }
  }
}

void check_dice_loss(const GoldenFile& file, Comparisons& out) {
  for (const std::string& name : file.names_behind("out.loss.")) {
    const std::string group = name.substr(name.rfind('.') + 1);
    const std::string sample = name.substr(0, name.rfind('.'));
    if (group != "all" && group != "fg") throw_corrupt("unknown classes " + group);
    const Tensor logits = file.tensor("in.logits." + sample).clone().requires_grad_(true);
    std::vector<std::int64_t> classes;
    for (std::int64_t i = 1; group == "fg" && i < logits.size(1); ++i) classes.push_back(i);
    const Tensor loss = losses::dice_loss(logits, file.tensor("in.target." + sample), classes, {});
    loss.backward();
    out.numbers("loss." + name, loss.item<double>(), file.number("out.loss." + name), 2e-5);
    out.tensors("grad." + name, logits.grad(), file.tensor("out.grad." + name), 1e-3, 1e-12);
  }
}

void check_vgg_loss(const GoldenFile& file, Comparisons& out) {
  const Tensor hr = file.tensor("in.hr");
  for (const std::string& name : file.names_behind("out.loss.")) {
    if (name != "VGG22" && name != "VGG54") throw_corrupt("unknown loss " + name);
    // The recipe has all of VGG-19; the shallow network takes its part of the deep one.
    models::Vgg19 whole(models::VggLayer::Conv54);
    file.fill(whole, "features.");
    const auto vgg = std::make_shared<models::Vgg19>(name == "VGG22" ? models::VggLayer::Conv22
                                                                     : models::VggLayer::Conv54);
    models::TensorFile part = models::state_of(*vgg);
    const models::TensorFile all = models::state_of(whole);
    for (auto& [key, value] : part.tensors) value = all.tensors.at(key);
    models::load_weights(*vgg, part, file.name());
    if (file.has("out.features." + name)) {
      const torch::NoGradGuard no_grad;
      out.tensors("features." + name, vgg->forward(hr.narrow(1, 0, 1)),
                  file.tensor("out.features." + name), 2e-5);
    }
    // In float64: where a float32 sum falls by one ULP to the other side of a ReLU or a maximum
    // depends on the processor, and moves single gradients by a per cent.
    vgg->to(torch::kFloat64);
    const Tensor hr64 = hr.to(torch::kFloat64);
    const Tensor sr = file.tensor("in.sr").to(torch::kFloat64).requires_grad_(true);
    const Tensor loss = losses::make_vgg_loss(vgg)->share(sr, hr64, single_rank(hr64));
    loss.backward();
    const double want = file.number("out.loss." + name);
    out.numbers("loss." + name, loss.item<double>(), want, 1e-4 * std::abs(want));
    out.tensors("grad_sr." + name, sr.grad(), file.tensor("out.grad_sr." + name), 5e-3, 1e-12);
  }
}

void check_wgan(const GoldenFile& file, Comparisons& out) {
  // In float64: Adam's first step is the sign of a gradient, which rounding decides where it is
  // nearly 0, and rounding depends on the processor.
  const Tensor real = file.tensor("in.real").to(torch::kFloat64);
  const Tensor fake = file.tensor("in.fake").to(torch::kFloat64);
  const auto context = single_rank(real);
  const double penalty = file.json("gp_weight").to_number<double>();
  const auto critic = std::make_shared<models::Critic>(
      models::CriticOptions{.channels = file.integer("in_channels"), .side = real.size(2)});
  file.fill(*critic);
  critic->to(torch::kFloat64);
  double fake_mean = 0, real_mean = 0;
  {
    const torch::NoGradGuard no_grad;
    const Tensor of_fake = critic->forward(fake), of_real = critic->forward(real);
    out.tensors("d_fake", of_fake, file.tensor("out.d_fake"), 1e-4);
    out.tensors("d_real", of_real, file.tensor("out.d_real"), 1e-4);
    fake_mean = of_fake.mean().item<double>();
    real_mean = of_real.mean().item<double>();
  }
  const Tensor loss = losses::critic_loss_share(
      *critic, fake, real, file.tensor("in.alpha").to(torch::kFloat64), penalty, context);
  loss.backward();
  const double want = file.number("out.loss_d"), tolerance = 1e-4 * std::max(1.0, std::abs(want));
  out.numbers("loss_d", loss.item<double>(), want, tolerance);
  out.numbers("gp", loss.item<double>() - (fake_mean - real_mean), file.number("out.gp"),
              tolerance);
  compare_gradient_norms(out, *critic, file, "gradnorm.d.", "gradnorm.d.");

  torch::optim::Adam adam(critic->parameters(), torch::optim::AdamOptions(1e-5).betas({0, 0.9}));
  adam.step();
  const Tensor sr = fake.clone().requires_grad_(true);
  const Tensor generator = losses::make_adversarial_loss(critic)->share(sr, real, context);
  critic->zero_grad();
  generator.backward();
  {
    const torch::NoGradGuard no_grad;
    out.tensors("d_fake_after_d_step", critic->forward(fake),
                file.tensor("out.d_fake_after_d_step"), 1e-3);
  }
  const double wanted = file.number("out.loss_g_after_d_step");
  out.numbers("loss_g_after_d_step", generator.item<double>(), wanted,
              1e-3 * std::max(1.0, std::abs(wanted)));
  out.tensors("grad_fake_after_d_step", sr.grad(), file.tensor("out.grad_fake_after_d_step"), 1e-2,
              1e-12);
}

}  // namespace reprise::golden
