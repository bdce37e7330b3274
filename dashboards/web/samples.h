#pragma once
/// The test slices that an evaluation keeps, as pictures.
///
/// They come from the result's artifact "samples": objects/<sha256>.safetensors with float32 `hr`,
/// `sr`, `lr` [n, C, H, W] in [0, 1], uint8 `label`, `prediction` (of sr) and `prediction_hr`
/// [n, H, W], int64 `slice` [n].

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <string>

#include "db/store.h"

namespace reprise::dashboards::web {

/// Absolute errors are shown from 0 to this, as from dark to bright.
inline constexpr double kErrorShownMax = 0.2;

/// {"id", "count", "channels", "height", "width", "scale", "slices": [n...], "subjects": [text...],
/// "layers": [name...], "classes", "error_max"}; "count" is 0 and "missing" says why where the
/// evaluation kept none. Errors: InvalidInput (unknown stage), Corrupt (a damaged file).
boost::json::object sample_list(const db::Store& store, const std::filesystem::path& workspace,
                                const std::string& stage);

/// One layer of one sample as PNG: "hr", "sr", "lr", "bicubic" (lr enlarged) in grey; "error"
/// (|sr - hr|) in colour; "label", "prediction", "prediction_hr" as transparent overlays, the
/// predictions with their errors in red. Errors: InvalidInput (no such stage, layer, index or
/// channel), Corrupt.
std::string sample_png(const db::Store& store, const std::filesystem::path& workspace,
                       const std::string& stage, const std::string& layer, std::int64_t index,
                       std::int64_t channel);

/// Cubic convolution (Keys, a = -0.5) of one [height, width] plane, samples at pixel centres, as
/// the paper's bicubic baseline enlarges.
std::vector<float> enlarge(const std::vector<float>& plane, int height, int width, int scale);

}  // namespace reprise::dashboards::web
