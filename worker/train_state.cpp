#include "worker/train_state.h"

#include <array>
#include <string>

#include "sweep/error.h"

namespace reprise::worker {
namespace {

torch::Tensor on_cpu(const torch::Tensor& tensor) {
  return tensor.detach().to(torch::kCPU).contiguous();
}

/// Copies a snapshot's tensor into `target`, whose shape and type it must have.
void take(const Snapshot& snapshot, const std::string& name, torch::Tensor target) {
  const auto found = snapshot.tensors.find(name);
  if (found == snapshot.tensors.end() || found->second.sizes() != target.sizes() ||
      found->second.scalar_type() != target.scalar_type()) {
    throw_corrupt("checkpoint of step " + std::to_string(snapshot.step) + ": tensor " + name +
                  " is missing or has another shape");
  }
  target.copy_(found->second);
}

}  // namespace

void TrainState::restore(const std::optional<Snapshot>& snapshot) {
  if (!snapshot) return;
  const torch::NoGradGuard no_grad;
  take(*snapshot, "adam.weights", adam_.weights());
  take(*snapshot, "adam.first", adam_.first_moments());
  take(*snapshot, "adam.second", adam_.second_moments());
  for (const auto& buffer : network_.named_buffers()) {
    take(*snapshot, "buffer." + buffer.key(), buffer.value());
  }
  const auto points = snapshot->tensors.find("curve");
  if (points == snapshot->tensors.end() || points->second.dim() != 2 ||
      points->second.size(0) < 1 || points->second.size(1) != 2 ||
      points->second.scalar_type() != torch::kFloat64) {
    throw_corrupt("checkpoint of step " + std::to_string(snapshot->step) + ": no curve");
  }
  const auto rows = points->second.accessor<double, 2>();
  curve_.clear();
  for (int64_t row = 0; row + 1 < rows.size(0); ++row) {
    curve_.push_back({.step = static_cast<int64_t>(rows[row][0]), .loss = rows[row][1]});
  }
  pending_count_ = static_cast<int64_t>(rows[rows.size(0) - 1][0]);
  pending_sum_ = rows[rows.size(0) - 1][1];
  adam_.set_updates(snapshot->step);
}

void TrainState::broadcast(Collective& collective) {
  if (collective.size() == 1) return;
  const torch::NoGradGuard no_grad;
  adam_.set_updates(std::stoll(collective.broadcast_text(std::to_string(adam_.updates()), 0)));
  collective.broadcast(adam_.weights(), 0);
  collective.broadcast(adam_.first_moments(), 0);
  collective.broadcast(adam_.second_moments(), 0);
  for (const auto& buffer : network_.named_buffers()) {
    auto whole = buffer.value().contiguous();
    collective.broadcast(whole, 0);
    torch::Tensor target = buffer.value();
    target.copy_(whole);
  }
}

Snapshot TrainState::snapshot() const {
  Snapshot snapshot{.step = adam_.updates(), .tensors = {}};
  auto& tensors = snapshot.tensors;
  tensors["adam.weights"] = on_cpu(adam_.weights());
  tensors["adam.first"] = on_cpu(adam_.first_moments());
  tensors["adam.second"] = on_cpu(adam_.second_moments());
  for (const auto& buffer : network_.named_buffers()) {
    tensors["buffer." + buffer.key()] = on_cpu(buffer.value());
  }
  // The last row holds the losses that no point has taken up yet.
  auto points = torch::zeros({static_cast<int64_t>(curve_.size()) + 1, 2}, torch::kFloat64);
  auto rows = points.accessor<double, 2>();
  for (std::size_t row = 0; row < curve_.size(); ++row) {
    rows[static_cast<int64_t>(row)][0] = static_cast<double>(curve_[row].step);
    rows[static_cast<int64_t>(row)][1] = curve_[row].loss;
  }
  rows[rows.size(0) - 1][0] = static_cast<double>(pending_count_);
  rows[rows.size(0) - 1][1] = pending_sum_;
  tensors["curve"] = points;
  return snapshot;
}

void TrainState::add_loss(double loss, bool is_point) {
  pending_sum_ += loss;
  ++pending_count_;
  if (!is_point) return;
  curve_.push_back(
      {.step = adam_.updates(), .loss = pending_sum_ / static_cast<double>(pending_count_)});
  pending_sum_ = 0;
  pending_count_ = 0;
}

}  // namespace reprise::worker
