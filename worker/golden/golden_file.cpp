#include "worker/golden/golden_file.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <limits>

#include "models/network.h"
#include "sweep/error.h"
#include "sweep/json.h"

namespace reprise::golden {
namespace {

namespace json = boost::json;

std::uint32_t mix(std::uint32_t x) {
  x ^= x >> 16U;
  x *= 0x7feb352dU;
  x ^= x >> 15U;
  x *= 0x846ca68bU;
  return x ^ x >> 16U;
}

double largest_value(const torch::Tensor& values) {
  return values.numel() == 0 ? 0 : values.abs().max().item().toDouble();
}

}  // namespace

GoldenFile::GoldenFile(const std::filesystem::path& path)
    : name_(path.filename().string()), file_(models::read_safetensors(path)) {}

const torch::Tensor& GoldenFile::tensor(const std::string& key) const {
  const auto found = file_.tensors.find(key);
  if (found == file_.tensors.end()) throw_corrupt("has no tensor " + key);
  return found->second;
}

double GoldenFile::number(const std::string& key) const {
  const torch::Tensor& value = tensor(key);
  if (value.numel() != 1) throw_corrupt(key + " is no single number");
  return value.item().toDouble();
}

std::vector<std::string> GoldenFile::names_behind(std::string_view prefix) const {
  std::vector<std::string> names;
  for (const auto& [key, tensor] : file_.tensors) {
    if (key.rfind(prefix, 0) == 0) names.push_back(key.substr(prefix.size()));
  }
  return names;
}

double GoldenFile::largest(std::string_view prefix) const {
  double value = 0;
  for (const auto& [key, tensor] : file_.tensors) {
    if (key.rfind(prefix, 0) == 0) value = std::max(value, largest_value(tensor));
  }
  return value;
}

const std::string& GoldenFile::text(const std::string& key) const {
  const auto found = file_.metadata.find(key);
  if (found == file_.metadata.end()) throw_corrupt("metadata lack " + key);
  return found->second;
}

std::int64_t GoldenFile::integer(const std::string& key) const {
  const json::value value = json(key);
  if (!value.is_int64()) throw_corrupt("metadata " + key + " = " + text(key) + ": no integer");
  return value.get_int64();
}

json::value GoldenFile::json(const std::string& key) const {
  return sweep::parse_json(text(key), "metadata " + key);
}

void GoldenFile::fill_by_formula(models::TensorFile& state, const std::string& prefix) const {
  const auto seed = static_cast<std::uint32_t>(integer("seed"));
  const json::value recipe = json("recipe");
  std::string problems;
  for (const json::value& item : recipe.as_array()) {
    const json::array& row = item.as_array();
    const std::string key(row.at(0).as_string());
    const auto found = state.tensors.find(prefix + key);
    if (found == state.tensors.end()) {
      problems += " unexpected " + key + ";";
      continue;
    }
    std::vector<std::int64_t> shape;
    for (const json::value& size : row.at(1).as_array()) shape.push_back(size.as_int64());
    torch::Tensor& value = found->second;
    if (value.sizes() != shape) {
      problems += " " + key + " has shape " + json::serialize(row.at(1)) + ", not " +
                  c10::str(value.sizes()) + ";";
      continue;
    }
    const auto base = row.at(2).to_number<double>(), amp = row.at(3).to_number<double>();
    std::uint32_t hash = 0x811c9dc5U;
    for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193U;
    const std::uint32_t start = mix(hash + seed);
    auto* out = value.data_ptr<float>();
    for (std::int64_t i = 0; i < value.numel(); ++i) {
      const std::uint32_t bits = mix(static_cast<std::uint32_t>(i) + start);
      out[i] = static_cast<float>(base + amp * (static_cast<double>(bits >> 8U) * 0x1p-23 - 1.0));
    }
  }
  if (!problems.empty()) throw_corrupt("the weights' recipe does not fit:" + problems);
}

void GoldenFile::fill(torch::nn::Module& module, const std::string& prefix) const {
  const torch::NoGradGuard no_grad;
  models::TensorFile state = models::state_of(module);
  if (text("weights") == "formula") {
    fill_by_formula(state, prefix);  // Its tensors are the module's.
    return;
  }
  std::vector<std::string> left;
  for (const auto& [key, own] : state.tensors) {
    if (!has("w." + key.substr(prefix.size()))) left.push_back(key.substr(prefix.size()));
  }
  const std::string omitted = has_text("omitted_buffers") ? text("omitted_buffers") : "";
  for (const std::string& key : left) {
    if (omitted.find("\"" + key + "\"") == std::string::npos)
      throw_corrupt("has no tensor w." + key);
  }
  for (const std::string& key : names_behind("w."))
    state.tensors[prefix + key] = tensor("w." + key);
  models::load_weights(module, state, name_);
}

void Comparisons::add(std::string what, double error, double tolerance) {
  all_.push_back({.what = std::move(what), .error = error, .tolerance = tolerance});
}

void Comparisons::tensors(const std::string& what, const torch::Tensor& got,
                          const torch::Tensor& want, double tolerance, double floor) {
  const double scale = std::max(floor, largest_value(want.to(torch::kFloat64)));
  if (got.sizes() != want.sizes()) {
    add(what + " (shape " + c10::str(got.sizes()) + ", not " + c10::str(want.sizes()) + ")",
        std::numeric_limits<double>::infinity(), tolerance * scale);
    return;
  }
  const auto difference = got.detach().to(torch::kFloat64) - want.to(torch::kFloat64);
  add(what, largest_value(difference), tolerance * scale);
}

void Comparisons::numbers(const std::string& what, double got, double want, double tolerance) {
  // Infinite values (the PSNR of equal images) agree too.
  add(what, got == want ? 0 : std::abs(got - want), tolerance);
}

bool Comparisons::passed() const {
  return !all_.empty() &&
         std::all_of(all_.begin(), all_.end(), [](const auto& item) { return item.passed(); });
}

const Comparison& Comparisons::worst() const {
  const auto ratio = [](const Comparison& item) {
    const double value = item.error / std::max(item.tolerance, 1e-300);
    return std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
  };
  return *std::max_element(all_.begin(), all_.end(),
                           [&](const auto& a, const auto& b) { return ratio(a) < ratio(b); });
}

void to_double(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : module.parameters()) parameter.set_data(parameter.to(torch::kFloat64));
  for (auto& buffer : module.buffers()) {
    if (buffer.is_floating_point()) buffer.set_data(buffer.to(torch::kFloat64));
  }
}

void compare_gradient_norms(Comparisons& out, const torch::nn::Module& module,
                            const GoldenFile& file, const std::string& prefix,
                            const std::string& label, double relative) {
  const double largest = file.largest(prefix);
  std::size_t seen = 0;
  for (const auto& item : module.named_parameters()) {
    const std::string key = prefix + item.key();
    const torch::Tensor gradient = item.value().grad();
    if (!file.has(key)) {
      const bool has_one =
          gradient.defined() && item.value().requires_grad() && largest_value(gradient) != 0;
      if (has_one) out.add(label + item.key() + " (recorded without a gradient)", 1, 0);
      continue;
    }
    ++seen;
    const double norm = file.number(key);
    const double got = gradient.defined() ? gradient.to(torch::kFloat64).norm().item<double>() : -1;
    const double tolerance = relative > 0 ? relative * largest : 1e-3 * norm + 1e-4 * largest;
    out.numbers(label + item.key(), got, norm, tolerance);
  }
  const auto recorded = file.names_behind(prefix).size();
  if (seen != recorded) {
    out.add(label + "(" + std::to_string(recorded - seen) + " norms of unknown parameters)", 1, 0);
  }
}

}  // namespace reprise::golden
