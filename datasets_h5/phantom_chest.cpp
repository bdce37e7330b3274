/// Hearts in short-axis MR and lungs in CT.

#include <algorithm>
#include <cmath>

#include "datasets_h5/phantom_body.h"

namespace reprise::datasets {
namespace {

double square(double value) { return value * value; }

/// Where an ellipsoid ends is 1; smaller is inside.
double ellipse(double x, double y, double half_x, double half_y) {
  return std::sqrt(square(x / half_x) + square(y / half_y));
}

}  // namespace

Phantom make_cardiac(const PhantomJob& job) {
  const Noise& noise = job.noise;
  const double unit = std::min(job.size[0], job.size[1]) / 216.0;  // 1 at the size of ACDC.
  const bool systole = job.frame == 1;
  const double cavity = noise.trait(0, 15, 19) * unit * (systole ? 0.68 : 1.0);
  const double wall = noise.trait(1, 6, 8) * unit * (systole ? 1.45 : 1.0);
  const double right = noise.trait(2, 20, 25) * unit * (systole ? 0.75 : 1.0);
  const double turn = noise.trait(3, -0.35, 0.35);
  const std::array<double, 2> centre{noise.trait(4, -8, 8) * unit, noise.trait(5, -8, 8) * unit};
  const double body_x = 0.47 * job.size[0];
  const double body_y = 0.42 * job.size[1];
  Phantom heart;
  std::vector<float> means;
  for_each_voxel(job.size, [&](int, int, int, double x, double y, double z) {
    // From base to apex the ventricles get narrower.
    const double height = 0.5 + z / std::max(job.size[2], 2);
    const double taper = std::sqrt(std::max(0.0, 1 - square(0.93 * (1 - height))));
    const double wave = 1.6 * unit * noise.smooth(1, x / 14 / unit, y / 14 / unit, z / 2);
    const double dx = x - centre[0];
    const double dy = y - centre[1];
    const double r = std::hypot(dx, dy) + wave;
    const double u = dx * std::cos(turn) + dy * std::sin(turn) + (cavity + 0.75 * right) * taper;
    const double v = -dx * std::sin(turn) + dy * std::cos(turn);
    int label = 0;
    if (r < cavity * taper) {
      label = 3;
    } else if (r < cavity * taper + wall) {
      label = 2;
    } else if (ellipse(u, v, right * taper, 1.35 * right * taper) + wave / right < 1) {
      label = 1;
    }
    const double body = ellipse(x, y, body_x, body_y) + 0.03 * noise.smooth(2, x / 30, y / 30, z);
    // Lungs beside the heart are dark, muscle and liver grey, fat bright, blood brightest.
    const bool lung = body < 0.86 && std::abs(dx) > 34 * unit && dy < 40 * unit &&
                      noise.smooth(3, x / 40, y / 40, z / 3) > -0.5;
    double mean = body > 1 ? 12 : body > 0.9 ? 210 : lung ? 35 : 120;
    if (label == 1) mean = 255;
    if (label == 2) mean = 85;
    if (label == 3) mean = 270;
    heart.labels.values.push_back(static_cast<float>(label));
    means.push_back(static_cast<float>(mean));
  });
  std::vector<float> values = blur(means, job.size);
  const double gain = noise.trait(6, 0.8, 1.25);
  std::size_t at = 0;
  for_each_voxel(job.size, [&](int i, int j, int k, double x, double y, double z) {
    const double shading = 1 + 0.15 * noise.smooth(4, x / 90, y / 90, z / 9);
    const double texture = 0.1 * noise.smooth(5, x / 3, y / 3, z);
    const double value = values[at] * gain * shading * (1 + texture) +
                         6 * normal(noise, 20 + 2 * job.frame, i, j, k);
    values[at++] = static_cast<float>(std::clamp(std::round(value), 0.0, 1023.0));
  });
  heart.images.emplace_back().values = std::move(values);
  return heart;
}

Phantom make_lung(const PhantomJob& job) {
  const Noise& noise = job.noise;
  const double unit = std::min(job.size[0], job.size[1]) / 512.0;  // 1 at the size of a chest CT.
  const double body_x = 225 * unit * noise.trait(0, 0.92, 1.02);
  const double body_y = 165 * unit * noise.trait(1, 0.92, 1.02);
  const double lung_x = 78 * unit;
  const double lung_y = 112 * unit;
  const double amount = noise.trait(2, 0.28, 0.5);  // Of the lesions' field that is above water.
  Phantom chest;
  std::vector<float> means;
  for_each_voxel(job.size, [&](int, int, int, double x, double y, double z) {
    const double height = z / std::max(job.size[2], 2);  // -1/2 to 1/2.
    const double dome = std::sqrt(std::max(0.15, 1 - square(1.5 * height)));
    const double wave = 0.06 * noise.smooth(1, x / 45 / unit, y / 45 / unit, z / 12);
    const double body = ellipse(x, y, body_x, body_y);
    double mean = -1000;
    int label = 0;
    if (body < 1) {
      mean = body > 0.93 ? -100 : 45;
      const double rib = noise.smooth(2, x / 22 / unit, y / 22 / unit, z / 3);
      if (body > 0.84 && body < 0.9 && rib > 0.35) mean = 420;
      const double side = std::abs(x) - 98 * unit;
      if (ellipse(side, y, lung_x * dome, lung_y * dome) + wave < 1) {
        // The patient's left is at growing x in the stored order of an LPS scan.
        label = x > 0 ? 1 : 2;
        const double vessel = std::abs(noise.smooth(3, x / 16 / unit, y / 16 / unit, z / 8));
        mean = vessel < 0.025 ? 30 : -850 + 60 * noise.smooth(4, x / 60, y / 60, z / 20);
        const double lesion = noise.smooth(5, x / 42 / unit, y / 42 / unit, z / 10);
        if (lesion > 1 - amount) {
          label = 3;
          mean = -420 + 330 * noise.smooth(6, x / 8, y / 8, z / 4);
        }
      } else if (ellipse(x, y - 105 * unit, 26 * unit, 24 * unit) < 1) {
        mean = 320;  // Vertebra.
      } else if (ellipse(x - 12 * unit, y + 30 * unit, 58 * unit, 50 * unit) < 1) {
        mean = 110;  // Heart.
      }
    }
    chest.labels.values.push_back(static_cast<float>(label));
    means.push_back(static_cast<float>(mean));
  });
  std::vector<float> values = blur(means, job.size);
  std::size_t at = 0;
  for_each_voxel(job.size, [&](int i, int j, int k, double, double, double) {
    const double value = values[at] + 18 * normal(noise, 20, i, j, k);
    values[at++] = static_cast<float>(std::clamp(std::round(value), -1024.0, 1500.0));
  });
  chest.images.emplace_back().values = std::move(values);
  return chest;
}

}  // namespace reprise::datasets
