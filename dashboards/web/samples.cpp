#include "dashboards/web/samples.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <cmath>
#include <cstring>

#include "dashboards/web/png.h"
#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/nearest.h"
#include "sweep/safetensors_index.h"

namespace reprise::dashboards::web {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;
using Color = std::array<std::uint8_t, 3>;

/// Okabe and Ito's palette, which colour-blind people can tell apart; errors have their own red.
constexpr std::array<Color, 6> kClassColors{
    {{230, 159, 0}, {86, 180, 233}, {0, 158, 115}, {240, 228, 66}, {204, 121, 167}, {0, 114, 178}}};
constexpr Color kWrongColor{213, 40, 30};
constexpr std::uint8_t kOverlayAlpha = 150;

/// Stops of the colour map "inferno", which grows evenly in brightness.
constexpr std::array<Color, 6> kErrorStops{
    {{0, 0, 4}, {66, 10, 104}, {147, 38, 103}, {221, 81, 58}, {252, 165, 10}, {252, 255, 164}}};

struct SampleFile {
  fs::path path;
  sweep::SafetensorsIndex index;
};

/// The artifact's file; a result without samples gives none, `missing` says why.
std::optional<SampleFile> open_samples(const db::Store& store, const fs::path& workspace,
                                       const std::string& stage, std::string& missing) {
  if (!store.stage(stage)) throw_invalid("stage \"" + stage + "\": not in this database");
  const auto body = store.result(stage);
  if (!body) {
    missing = "the evaluation is not done";
    return std::nullopt;
  }
  const json::value* artifacts = body->if_contains("artifacts");
  const json::value* samples = artifacts != nullptr && artifacts->is_object()
                                   ? artifacts->get_object().if_contains("samples")
                                   : nullptr;
  if (samples == nullptr || !samples->is_object()) {
    missing = "this stage kept no sample slices";
    return std::nullopt;
  }
  const json::value* digest = samples->get_object().if_contains("sha256");
  const std::string name =
      digest != nullptr && digest->is_string() ? std::string(digest->get_string()) : std::string();
  if (name.size() != 64 || name.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw_corrupt("result of stage " + stage + ": its samples have no SHA-256");
  }
  SampleFile file{.path = workspace / "objects" / (name + ".safetensors"), .index = {}};
  if (!fs::exists(file.path)) {
    missing = "objects/" + name + ".safetensors is not in this workspace";
    return std::nullopt;
  }
  if (sha256_file(file.path) != name) {
    throw_corrupt(file.path.string() + ": bytes do not match the name");
  }
  file.index = sweep::read_safetensors_index(file.path);
  return file;
}

const sweep::TensorEntry& entry(const SampleFile& file, const std::string& name,
                                const std::string& dtype, std::size_t rank) {
  const auto found = file.index.tensors.find(name);
  if (found == file.index.tensors.end() || found->second.dtype != dtype ||
      found->second.shape.size() != rank) {
    throw_corrupt(file.path.string() + ": tensor \"" + name + "\" is not " + dtype + " of rank " +
                  std::to_string(rank));
  }
  return found->second;
}

/// Values of plane (n, c) of [n, C, H, W], or of plane n of [n, H, W].
template <class Value>
struct Plane {
  int height = 0, width = 0;
  std::vector<Value> values;
};

template <class Value>
Plane<Value> plane(const SampleFile& file, const std::string& name, std::int64_t n,
                   std::int64_t c) {
  const bool pixels = std::is_same_v<Value, float>;
  const auto& found = entry(file, name, pixels ? "F32" : "U8", pixels ? 4 : 3);
  const auto& shape = found.shape;
  const std::int64_t channels = pixels ? shape[1] : 1;
  const std::int64_t height = shape[pixels ? 2 : 1];
  const std::int64_t width = shape[pixels ? 3 : 2];
  if (n < 0 || n >= shape[0]) {
    throw_invalid("sample " + std::to_string(n) + ": there are " + std::to_string(shape[0]));
  }
  if (c < 0 || c >= channels) {
    throw_invalid("channel " + std::to_string(c) + ": there are " + std::to_string(channels));
  }
  const std::string bytes = sweep::read_tensor_bytes(file.path, file.index, name);
  Plane<Value> result{
      .height = static_cast<int>(height), .width = static_cast<int>(width), .values = {}};
  result.values.resize(static_cast<std::size_t>(height * width));
  const auto offset = static_cast<std::size_t>(n * channels + c) * result.values.size();
  std::memcpy(result.values.data(), bytes.data() + offset * sizeof(Value),
              result.values.size() * sizeof(Value));
  return result;
}

std::uint8_t to_byte(double value) {
  return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 1.0) * 255));
}

Picture grey(const std::vector<float>& values, int height, int width) {
  Picture picture{.height = height, .width = width, .channels = 1, .pixels = {}};
  for (const float value : values) {
    picture.pixels.push_back(to_byte(std::isfinite(value) ? static_cast<double>(value) : 0));
  }
  return picture;
}

Picture error_map(const Plane<float>& sr, const Plane<float>& hr) {
  if (sr.values.size() != hr.values.size()) throw_corrupt("samples: sr and hr differ in size");
  Picture picture{.height = hr.height, .width = hr.width, .channels = 3, .pixels = {}};
  for (std::size_t i = 0; i < hr.values.size(); ++i) {
    const double error = std::abs(static_cast<double>(sr.values[i]) - hr.values[i]);
    const double place = std::clamp(error / kErrorShownMax, 0.0, 1.0) * (kErrorStops.size() - 1);
    const auto low = std::min(static_cast<std::size_t>(place), kErrorStops.size() - 2);
    const double share = place - static_cast<double>(low);
    for (std::size_t k = 0; k < 3; ++k) {
      const double value = kErrorStops[low][k] * (1 - share) + kErrorStops[low + 1][k] * share;
      picture.pixels.push_back(static_cast<std::uint8_t>(std::lround(value)));
    }
  }
  return picture;
}

/// `truth`: where it differs from `classes`, the pixel is wrong. Null: there is no right or wrong.
Picture overlay(const Plane<std::uint8_t>& classes, const Plane<std::uint8_t>* truth) {
  Picture picture{.height = classes.height, .width = classes.width, .channels = 4, .pixels = {}};
  for (std::size_t i = 0; i < classes.values.size(); ++i) {
    const std::uint8_t value = classes.values[i];
    const bool wrong = truth != nullptr && truth->values.at(i) != value;
    const Color color = wrong        ? kWrongColor
                        : value == 0 ? Color{0, 0, 0}
                                     : kClassColors[(value - 1U) % kClassColors.size()];
    picture.pixels.insert(picture.pixels.end(), color.begin(), color.end());
    picture.pixels.push_back(wrong || value != 0 ? kOverlayAlpha : 0);
  }
  return picture;
}

json::array subjects_of(const SampleFile& file, std::int64_t count) {
  json::array subjects;
  const auto found = file.index.metadata.find("subjects");
  if (found == file.index.metadata.end()) return subjects;
  boost::system::error_code error;
  const json::value parsed = json::parse(found->second, error);
  if (!error && parsed.is_array() && std::ssize(parsed.get_array()) == count) {
    return parsed.get_array();
  }
  return subjects;
}

double cubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  if (x < 2) return ((kA * x - 5 * kA) * x + 8 * kA) * x - 4 * kA;
  return 0;
}

/// Enlarges rows of `length` values with a `stride`; weights beyond the border are left out and the
/// others scaled up, as PIL does.
std::vector<float> enlarge_rows(const std::vector<float>& plane, int rows, int length, int scale) {
  std::vector<float> result(static_cast<std::size_t>(rows) * length * scale);
  for (int out = 0; out < length * scale; ++out) {
    const double centre = (out + 0.5) / scale - 0.5;
    const int first = static_cast<int>(std::floor(centre)) - 1;
    std::array<double, 4> weights{};
    double sum = 0;
    for (int k = 0; k < 4; ++k) {
      const int at = first + k;
      weights[k] = at < 0 || at >= length ? 0 : cubic(centre - at);
      sum += weights[k];
    }
    for (int row = 0; row < rows; ++row) {
      double value = 0;
      for (int k = 0; k < 4; ++k) {
        const int at = std::clamp(first + k, 0, length - 1);
        value += weights[k] / sum * plane[static_cast<std::size_t>(row) * length + at];
      }
      result[static_cast<std::size_t>(row) * length * scale + out] = static_cast<float>(value);
    }
  }
  return result;
}

std::vector<float> transpose(const std::vector<float>& plane, int rows, int columns) {
  std::vector<float> result(plane.size());
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) {
      result[static_cast<std::size_t>(c) * rows + r] =
          plane[static_cast<std::size_t>(r) * columns + c];
    }
  }
  return result;
}

int scale_of(const SampleFile& file) {
  const auto lr = entry(file, "lr", "F32", 4).shape[3];
  const auto hr = entry(file, "hr", "F32", 4).shape[3];
  if (lr <= 0 || hr % lr != 0) throw_corrupt(file.path.string() + ": lr does not divide hr");
  return static_cast<int>(hr / lr);
}

}  // namespace

std::vector<float> enlarge(const std::vector<float>& plane, int height, int width, int scale) {
  const auto wide = enlarge_rows(plane, height, width, scale);
  const auto turned =
      enlarge_rows(transpose(wide, height, width * scale), width * scale, height, scale);
  return transpose(turned, width * scale, height * scale);
}

json::object sample_list(const db::Store& store, const fs::path& workspace,
                         const std::string& stage) {
  std::string missing;
  const auto file = open_samples(store, workspace, stage, missing);
  if (!file) return {{"id", stage}, {"count", 0}, {"missing", missing}};
  const auto& hr = entry(*file, "hr", "F32", 4);
  json::array layers{"hr", "bicubic", "lr"};
  for (const char* name : {"sr", "label", "prediction", "prediction_hr"}) {
    if (file->index.tensors.contains(name)) layers.emplace_back(name);
  }
  if (file->index.tensors.contains("sr")) layers.emplace_back("error");
  json::array slices;
  if (file->index.tensors.contains("slice")) {
    (void)entry(*file, "slice", "I64", 1);
    const std::string bytes = sweep::read_tensor_bytes(file->path, file->index, "slice");
    for (std::size_t at = 0; at + sizeof(std::int64_t) <= bytes.size();
         at += sizeof(std::int64_t)) {
      std::int64_t value = 0;
      std::memcpy(&value, bytes.data() + at, sizeof(value));
      slices.emplace_back(value);
    }
  }
  return {{"id", stage},
          {"count", hr.shape[0]},
          {"channels", hr.shape[1]},
          {"height", hr.shape[2]},
          {"width", hr.shape[3]},
          {"scale", scale_of(*file)},
          {"slices", std::move(slices)},
          {"subjects", subjects_of(*file, hr.shape[0])},
          {"layers", std::move(layers)},
          {"error_max", kErrorShownMax}};
}

std::string sample_png(const db::Store& store, const fs::path& workspace, const std::string& stage,
                       const std::string& layer, std::int64_t index, std::int64_t channel) {
  std::string missing;
  const auto file = open_samples(store, workspace, stage, missing);
  if (!file) throw_invalid("stage " + stage + ": " + missing);
  if (layer == "hr" || layer == "sr" || layer == "lr") {
    const auto pixels = plane<float>(*file, layer, index, channel);
    return encode_png(grey(pixels.values, pixels.height, pixels.width));
  }
  if (layer == "bicubic") {
    const auto lr = plane<float>(*file, "lr", index, channel);
    const int scale = scale_of(*file);
    const auto large = enlarge(lr.values, lr.height, lr.width, scale);
    return encode_png(grey(large, lr.height * scale, lr.width * scale));
  }
  if (layer == "error") {
    return encode_png(error_map(plane<float>(*file, "sr", index, channel),
                                plane<float>(*file, "hr", index, channel)));
  }
  if (layer == "label") {
    return encode_png(overlay(plane<std::uint8_t>(*file, "label", index, 0), nullptr));
  }
  if (layer == "prediction" || layer == "prediction_hr") {
    const auto truth = plane<std::uint8_t>(*file, "label", index, 0);
    const auto classes = plane<std::uint8_t>(*file, layer, index, 0);
    if (truth.values.size() != classes.values.size()) {
      throw_corrupt(file->path.string() + ": label and " + layer + " differ in size");
    }
    return encode_png(overlay(classes, &truth));
  }
  const std::vector<std::string> names = {"hr",    "sr",    "lr",         "bicubic",
                                          "error", "label", "prediction", "prediction_hr"};
  throw_invalid("layer \"" + layer + "\": unknown" + sweep::nearest_hint(layer, names));
}

}  // namespace reprise::dashboards::web
