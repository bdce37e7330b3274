#pragma once
/// One function for each kind of recorded file: computes what the file records and compares.
/// All throw `Error` (Corrupt, InvalidInput) or c10::Error for a file that cannot be followed.

#include "worker/golden/golden_file.h"

namespace reprise::golden {

/// Super-resolution networks: outputs, losses and gradients in float32, and again in float64 where
/// the file tells its own rounding noise. `kind` is the network's name.
void check_network(const GoldenFile& file, Comparisons& out);
/// Steps of Adam from stored weights.
void check_training(const GoldenFile& file, Comparisons& out);
/// The segmentation U-Net in both batch-norm modes.
void check_unet(const GoldenFile& file, Comparisons& out);
/// Segmentation-network losses of sr against hr.
void check_perceptual(const GoldenFile& file, Comparisons& out);
void check_dice_loss(const GoldenFile& file, Comparisons& out);
void check_vgg_loss(const GoldenFile& file, Comparisons& out);
/// One step of the WGAN-GP critic, and the generator's loss behind it.
void check_wgan(const GoldenFile& file, Comparisons& out);
/// PSNR, SSIM, Dice and the Fréchet distance.
void check_metrics(const GoldenFile& file, Comparisons& out);
void check_bicubic(const GoldenFile& file, Comparisons& out);
void check_inception(const GoldenFile& file, Comparisons& out);
/// From volumes to slices.
void check_pipeline(const GoldenFile& file, Comparisons& out);

}  // namespace reprise::golden
