#pragma once
/// Writes the artifact "samples" of an evaluation, as worker/ does, from a drawn picture.

#include <boost/json/object.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>

#include "sweep/digest.h"
#include "sweep/files.h"
#include "sweep/safetensors_index.h"

namespace reprise::dashboards::web {

namespace detail {

/// A head in cross-section: 0 outside, tissues inside; `blur` softens edges.
inline double anatomy(double y, double x, int sample, double blur) {
  const double r = std::hypot(y * 0.9, x) + 0.02 * std::sin(7 * std::atan2(y, x) + sample);
  const auto edge = [&](double radius) { return 1 / (1 + std::exp((r - radius) / blur)); };
  const double folds = 0.5 + 0.5 * std::sin(24 * r + 9 * std::atan2(y, x) + sample);
  return 0.25 * edge(0.92) + 0.35 * edge(0.78) + 0.3 * edge(0.55) * folds - 0.4 * edge(0.16);
}

inline std::uint8_t tissue(double y, double x, int sample) {
  const double r = std::hypot(y * 0.9, x) + 0.02 * std::sin(7 * std::atan2(y, x) + sample);
  if (r < 0.16) return 1;
  if (r < 0.55) return 3;
  return r < 0.78 ? 2 : 0;
}

template <class Value>
void append(std::string& bytes, Value value) {
  char raw[sizeof(Value)];
  std::memcpy(raw, &value, sizeof(Value));
  bytes.append(raw, sizeof(Value));
}

}  // namespace detail

/// Returns {"sha256", "bytes"} of WORKSPACE/objects/<sha256>.safetensors.
inline boost::json::object write_samples(const std::filesystem::path& workspace, int count,
                                         int height, int width, int scale, double quality = 1) {
  using sweep::TensorEntry;
  const auto plane = [&](const std::string& name, int n, int h, int w, double blur) {
    std::string bytes;
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) {
        const double v = 2.0 * (y + 0.5) / h - 1;
        const double u = (2.0 * (x + 0.5) / w - 1) * w / h * 1.15;
        if (name == "label" || name.starts_with("prediction")) {
          const double shift = name == "label" ? 0 : 0.03 / quality;
          bytes += static_cast<char>(detail::tissue(v + shift, u, n));
        } else {
          detail::append(bytes, static_cast<float>(detail::anatomy(v, u, n, blur)));
        }
      }
    }
    return bytes;
  };
  std::map<std::string, TensorEntry> tensors;
  std::string data;
  const auto add = [&](const std::string& name, const std::string& dtype,
                       std::vector<std::int64_t> shape, const std::string& bytes) {
    tensors[name] = {.dtype = dtype, .shape = std::move(shape), .begin = 0, .end = 0};
    data += bytes;
  };
  const auto all = [&](const std::string& name, int h, int w, double blur) {
    std::string bytes;
    for (int n = 0; n < count; ++n) bytes += plane(name, n, h, w, blur);
    return bytes;
  };
  // In the order of their names, as the format's header puts them.
  add("hr", "F32", {count, 1, height, width}, all("hr", height, width, 0.008));
  add("label", "U8", {count, height, width}, all("label", height, width, 0));
  add("lr", "F32", {count, 1, height / scale, width / scale},
      all("lr", height / scale, width / scale, 0.03));
  add("prediction", "U8", {count, height, width}, all("prediction", height, width, 0));
  add("prediction_hr", "U8", {count, height, width}, all("prediction_hr", height, width, 0));
  std::string slices;
  for (int n = 0; n < count; ++n) detail::append(slices, static_cast<std::int64_t>(7 * n));
  std::string subjects = "[";
  for (int n = 0; n < count; ++n) {
    subjects += (n > 0 ? ",\"sub-" : "\"sub-") + std::to_string(n) + "\"";
  }
  subjects += "]";
  add("slice", "I64", {count}, slices);
  add("sr", "F32", {count, 1, height, width}, all("sr", height, width, 0.02 / quality));
  const std::string file =
      sweep::encode_safetensors_header(tensors, {{"subjects", subjects}}) + data;
  const std::string digest = sha256_hex(file);
  write_file_atomically(workspace / "objects" / (digest + ".safetensors"), file);
  return {{"sha256", digest}, {"bytes", static_cast<std::int64_t>(file.size())}};
}

}  // namespace reprise::dashboards::web
