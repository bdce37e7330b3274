#include "worker/train_state.h"

#include <algorithm>
#include <cstring>

#include "sweep/error.h"

namespace reprise::worker {
namespace {

torch::Tensor on_cpu(const torch::Tensor& tensor) {
  return tensor.detach().to(torch::kCPU).contiguous();
}

[[noreturn]] void refuse(const Snapshot& snapshot, const std::string& name) {
  throw_corrupt("checkpoint of step " + std::to_string(snapshot.step) + ": tensor " + name +
                " is missing or has another shape");
}

const torch::Tensor& find(const Snapshot& snapshot, const std::string& name) {
  const auto found = snapshot.tensors.find(name);
  if (found == snapshot.tensors.end()) refuse(snapshot, name);
  return found->second;
}

/// Copies a snapshot's tensor into `target`, whose shape and type it must have.
void take(const Snapshot& snapshot, const std::string& name, torch::Tensor target) {
  const auto& source = find(snapshot, name);
  if (source.sizes() != target.sizes() || source.scalar_type() != target.scalar_type()) {
    refuse(snapshot, name);
  }
  target.copy_(source);
}

/// A curve as rows [step, value].
torch::Tensor to_rows(const std::vector<CurvePoint>& curve) {
  auto points = torch::zeros({static_cast<int64_t>(curve.size()), 2}, torch::kFloat64);
  auto rows = points.accessor<double, 2>();
  for (std::size_t row = 0; row < curve.size(); ++row) {
    rows[static_cast<int64_t>(row)][0] = static_cast<double>(curve[row].step);
    rows[static_cast<int64_t>(row)][1] = curve[row].loss;
  }
  return points;
}

std::vector<CurvePoint> from_rows(const Snapshot& snapshot, const std::string& name) {
  const auto& points = find(snapshot, name);
  if (points.dim() != 2 || points.size(1) != 2 || points.scalar_type() != torch::kFloat64) {
    refuse(snapshot, name);
  }
  const auto rows = points.accessor<double, 2>();
  std::vector<CurvePoint> curve;
  for (int64_t row = 0; row < rows.size(0); ++row) {
    curve.push_back({.step = static_cast<int64_t>(rows[row][0]), .loss = rows[row][1]});
  }
  return curve;
}

}  // namespace

TrainState::TrainState(Objective& objective, FlatAdam& adam, FlatAdam* critic)
    : objective_(objective), adam_(adam), critic_(critic) {}

TrainState::Named TrainState::tensors() const {
  Named all;
  const auto add_optimiser = [&](const std::string& name, FlatAdam& adam) {
    all.emplace_back(name + ".weights", adam.weights());
    all.emplace_back(name + ".first", adam.first_moments());
    all.emplace_back(name + ".second", adam.second_moments());
  };
  const auto add_buffers = [&](const std::string& name, const torch::nn::Module& module) {
    for (const auto& buffer : module.named_buffers()) {
      all.emplace_back(name + "." + buffer.key(), buffer.value());
    }
  };
  add_optimiser("adam", adam_);
  add_buffers("buffer", *objective_.network);
  if (critic_ != nullptr) {
    add_optimiser("critic.adam", *critic_);
    add_buffers("critic.buffer", *objective_.critic->network);
  }
  for (std::size_t at = 0; at < objective_.companions.size(); ++at) {
    add_buffers("companion." + std::to_string(at), *objective_.companions[at]);
  }
  return all;
}

void TrainState::restore(const std::optional<Snapshot>& snapshot) {
  if (!snapshot) return;
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors()) take(*snapshot, name, tensor);
  curve_ = from_rows(*snapshot, "curve");
  if (curve_.empty()) refuse(*snapshot, "curve");
  // The last row holds the losses that no point has taken up yet.
  pending_count_ = curve_.back().step;
  pending_sum_ = curve_.back().loss;
  curve_.pop_back();
  scores_ = from_rows(*snapshot, "validation");
  adam_.set_updates(snapshot->step);
  if (critic_ != nullptr) critic_->set_updates(snapshot->step * objective_.critic->steps);
  if (scores_.empty()) return;
  best_ = torch::empty_like(adam_.weights());
  take(*snapshot, "best.weights", best_);
  best_step_ = find(*snapshot, "best.step").item<std::int64_t>();
}

void TrainState::broadcast(Collective& collective) {
  if (collective.size() == 1) return;
  const torch::NoGradGuard no_grad;
  adam_.set_updates(std::stoll(collective.broadcast_text(std::to_string(adam_.updates()), 0)));
  if (critic_ != nullptr) critic_->set_updates(adam_.updates() * objective_.critic->steps);
  for (const auto& [name, tensor] : tensors()) {
    auto whole = tensor.contiguous();
    collective.broadcast(whole, 0);
    torch::Tensor target = tensor;
    if (!whole.is_same(target)) target.copy_(whole);
  }
  const bool is_root = collective.rank() == 0;
  const auto count = std::stoll(collective.broadcast_text(std::to_string(scores_.size()), 0));
  if (count == 0) return;
  // As bytes over MPI: scores decide when to stop, so that every rank must have the same bits.
  std::string bytes;
  if (is_root) {
    bytes.assign(reinterpret_cast<const char*>(scores_.data()),
                 scores_.size() * sizeof(CurvePoint));
  }
  bytes = collective.broadcast_text(std::move(bytes), 0);
  scores_.resize(static_cast<std::size_t>(count));
  std::memcpy(scores_.data(), bytes.data(), bytes.size());
  best_step_ = std::stoll(collective.broadcast_text(std::to_string(best_step_), 0));
  if (!is_root) best_ = torch::empty_like(adam_.weights());
  collective.broadcast(best_, 0);
}

Snapshot TrainState::snapshot() const {
  Snapshot snapshot{.step = adam_.updates(), .tensors = {}};
  auto& saved = snapshot.tensors;
  for (const auto& [name, tensor] : tensors()) saved[name] = on_cpu(tensor);
  auto points = curve_;
  points.push_back({.step = pending_count_, .loss = pending_sum_});
  saved["curve"] = to_rows(points);
  saved["validation"] = to_rows(scores_);
  if (best_.defined()) {
    saved["best.weights"] = on_cpu(best_);
    saved["best.step"] = torch::tensor(best_step_, torch::kInt64);
  }
  return snapshot;
}

void TrainState::add_loss(std::int64_t done, double loss, bool is_point) {
  pending_sum_ += loss;
  ++pending_count_;
  if (!is_point) return;
  curve_.push_back({.step = done, .loss = pending_sum_ / static_cast<double>(pending_count_)});
  pending_sum_ = 0;
  pending_count_ = 0;
}

void TrainState::add_score(double score) {
  const bool is_best = std::all_of(scores_.begin(), scores_.end(),
                                   [&](const CurvePoint& point) { return score > point.loss; });
  scores_.push_back({.step = adam_.updates(), .loss = score});
  if (!is_best) return;
  best_step_ = adam_.updates();
  best_ = adam_.weights().detach().clone();
}

std::int64_t TrainState::points_since_best() const {
  return std::count_if(scores_.begin(), scores_.end(),
                       [&](const CurvePoint& point) { return point.step > best_step_; });
}

void TrainState::take_best() {
  if (!best_.defined()) return;
  const torch::NoGradGuard no_grad;
  adam_.weights().copy_(best_);
}

}  // namespace reprise::worker
