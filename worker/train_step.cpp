#include "worker/train_step.h"

#include <cmath>
#include <utility>

#include "worker/gang_error.h"
#include "worker/sampling.h"

namespace reprise::worker {
namespace {

// Numbers at the head of the gradients, which travel with their all-reduce.
constexpr std::int64_t kLoss = 0;
constexpr std::int64_t kStop = 1;
constexpr std::int64_t kFinite = 2;
constexpr std::int64_t kRecord = 3;

/// Steps between looks at a GPU: a look makes it wait for the host.
constexpr std::int64_t kStepsAhead = 16;
/// Before a graph is recorded: libraries set themselves up, and choose, the first time.
constexpr std::int64_t kRunsBefore = 2;

torch::Tensor head_of(FlatAdam& adam) { return adam.gradients().narrow(0, 0, FlatAdam::kExtra); }

bool is_finite(const float* record) { return std::isfinite(record[kLoss]) && record[kFinite] == 0; }

void copy_if_defined(torch::Tensor& to, const torch::Tensor& from) {
  if (!from.defined()) return;
  if (to.defined()) {
    to.copy_(from);
  } else {
    to = from.clone();
  }
}

}  // namespace

TrainStep::TrainStep(Objective& objective, BatchSource batches, const TrainSettings& settings,
                     Collective& collective)
    : objective_(objective),
      batches_(std::move(batches)),
      settings_(settings),
      collective_(collective),
      adam_(objective.network->parameters(), objective.adam) {
  if (objective_.critic) {
    critic_.emplace(objective_.critic->network->parameters(), objective_.critic->adam);
  }
  if (collective_.size() > 1 && collective_.can_overlap()) overlapped_.emplace(adam_, collective_);
  const auto place = adam_.weights().options();
  is_bad_ = torch::zeros({}, place);
  records_ = torch::zeros({place.device().is_cuda() ? kStepsAhead : 1, kRecord}, place);
  is_graphed_ = place.device().is_cuda() && settings_.cuda_graphs && objective_.is_static &&
                !objective_.critic && settings_.accumulate == 1;
}

void TrainStep::run(bool stop) {
  REPRISE_CHECK(!is_full());
  const std::int64_t step = adam_.updates();
  torch::manual_seed(draw(settings_.seed, step, collective_.rank(), Purpose::Torch));
  const double rate = learning_rate_at(settings_, step);
  if (is_graphed_) {
    compute_graphed(make_batch(step, 0));
  } else if (settings_.accumulate == 1) {
    const Batch batch = make_batch(step, 0);
    const auto output = output_of(batch);
    train_critic(step, rate, [&](const Use& use) { use(output.detach(), batch); });
    compute([&](const Use& use) { use(output, batch); });
  } else {
    const auto each_part = [&](const Use& use) {
      for (std::int64_t part = 0; part < settings_.accumulate; ++part) {
        const Batch batch = make_batch(step, part);
        use(output_of(batch), batch);
      }
    };
    train_critic(step, rate, [&](const Use& use) {
      const torch::NoGradGuard no_grad;
      each_part([&](const torch::Tensor& output, const Batch& batch) {
        const torch::AutoGradMode with_grad(true);
        use(output, batch);
      });
    });
    compute(each_part);
  }
  ++runs_;
  reduce(adam_, stop);
  update(rate);
}

Batch TrainStep::make_batch(std::int64_t step, std::int64_t part) {
  Batch batch = batches_.make(step, part);
  data_wait_seconds_ += batch.waited;
  return batch;
}

torch::Tensor TrainStep::output_of(const Batch& batch) {
  const PrecisionScope scope(settings_.precision, batch.hr.device());
  return objective_.output(batch).to(torch::kFloat32);
}

void TrainStep::train_critic(std::int64_t step, double rate, const EachPart& each_part) {
  if (!critic_) return;
  const double factor = rate / settings_.learning_rate;
  for (std::int64_t round = 0; round < objective_.critic->steps; ++round) {
    critic_->zero_grad();
    auto total = torch::zeros({}, critic_->weights().options());
    each_part([&](const torch::Tensor& output, const Batch& batch) {
      const auto share = objective_.critic->loss_share(output, batch, round) / settings_.accumulate;
      share.backward();
      total += share.detach();
    });
    critic_->gather_gradients();
    head_of(*critic_)[kLoss].copy_(total);
    reduce(*critic_, false);
    const auto record = head_of(*critic_).cpu();
    if (!is_finite(record.const_data_ptr<float>())) {
      fail(step, record[kLoss].item<double>(), "critic's loss");
    }
    critic_->step(objective_.critic->learning_rate * factor);
  }
}

void TrainStep::compute(const EachPart& each_part) {
  adam_.zero_grad();
  auto total = torch::zeros({}, adam_.weights().options());
  std::int64_t parts = 0;
  each_part([&](const torch::Tensor& output, const Batch& batch) {
    torch::Tensor share;
    {
      const PrecisionScope scope(settings_.precision, batch.hr.device());
      share = objective_.loss_share(output, batch) / settings_.accumulate;
    }
    if (overlapped_ && ++parts == settings_.accumulate) overlapped_->begin();
    share.backward();
    total += share.detach();
  });
  if (!overlapped_) adam_.gather_gradients();
  const torch::NoGradGuard no_grad;
  head_of(adam_)[kLoss].copy_(total);
}

void TrainStep::compute_graphed(const Batch& batch) {
  copy_if_defined(input_.hr, batch.hr);
  copy_if_defined(input_.lr, batch.lr);
  copy_if_defined(input_.labels, batch.labels);
  input_.step = batch.step;
  input_.first = batch.first;
  const auto work = [this] {
    const auto output = output_of(input_);
    compute([&](const Use& use) { use(output, input_); });
  };
  if (runs_ >= kRunsBefore && !graph_.is_recorded()) {
    try {
      graph_.record(work);
    } catch (const c10::Error& error) {
      warning_ = std::string("no CUDA graph: ") + error.what_without_backtrace();
      is_graphed_ = false;
    }
  }
  if (graph_.is_recorded()) {
    graph_.replay();
  } else {
    work();
  }
}

/// Sums gradients, loss and rank 0's wish to stop over the ranks: in one all-reduce, or what the
/// backward pass has left of it.
void TrainStep::reduce(FlatAdam& adam, bool stop) {
  const torch::NoGradGuard no_grad;
  const auto head = head_of(adam);
  if (stop) head[kStop].fill_(1);
  if (overlapped_ && &adam == &adam_) {
    overlapped_->finish();
  } else if (collective_.size() > 1) {
    collective_.all_reduce_sum(adam.gradients());
  }
  // NaN wherever one of the sums is NaN or infinite, else 0.
  head[kFinite].copy_((adam.gradients() * 0).sum());
}

void TrainStep::update(double rate) {
  const torch::NoGradGuard no_grad;
  const auto head = head_of(adam_);
  // The sum covers the loss too.
  is_bad_.copy_(torch::maximum(is_bad_, head[kFinite].ne(0).to(is_bad_.scalar_type())));
  adam_.step(rate, is_bad_);
  records_[pending_++].copy_(head.narrow(0, 0, kRecord));
}

std::vector<StepRecord> TrainStep::collect() {
  const auto rows = records_.narrow(0, 0, pending_).cpu();
  const std::int64_t before = adam_.updates() - pending_;
  std::vector<StepRecord> records;
  pending_ = 0;
  for (std::int64_t at = 0; at < rows.size(0); ++at) {
    const auto* row = rows.const_data_ptr<float>() + at * kRecord;
    if (!is_finite(row)) fail(before + at, row[kLoss], "loss");
    records.push_back({.done = before + at + 1, .loss = row[kLoss], .stop = row[kStop] > 0});
  }
  return records;
}

void TrainStep::fail(std::int64_t step, double loss, const std::string& what) const {
  const std::string which = std::isfinite(loss) ? "gradient of the " + what : what;
  throw GangError(ErrorCode::InvalidInput,
                  which + " is NaN or infinite at step " + std::to_string(step) +
                      " (batch: " + batches_.describe(step) + "): lower train.learning_rate");
}

}  // namespace reprise::worker
