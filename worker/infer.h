#pragma once
/// `reprise infer`: a whole volume through a super-resolution network, slice by slice.

#include <boost/json/object.hpp>
#include <ostream>

namespace reprise::worker {

/// Runs one job (made by orchestrator/cli/infer_command.cpp):
///
///   weights, network, scale   as in a stage's config; `weights` is a path
///   inputs, outputs           paths of volumes, one for each channel
///   axis                      stored axis that counts the slices
///   batch, threads, device    slices at once; CPU threads (0: all); "cpu" or "cuda"
///   segmenter, labels         optional: a U-Net's weights, and the volume of labels to write
///
/// Each channel is scaled to [0, 1] by its minimum and maximum and back, so that outputs are in the
/// input's units. Outputs lie in space where inputs do, with voxels `scale` times as fine in plane.
/// Errors: InvalidInput, Corrupt (weights that do not fit, damaged volumes), Unavailable.
void infer(const boost::json::object& job, std::ostream& log);

}  // namespace reprise::worker
