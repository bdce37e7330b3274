#include "worker/overlapped_sum.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <memory>

#include "sweep/error.h"

namespace reprise::worker {

struct OverlappedSum::Hook : torch::autograd::PostAccumulateGradHook {
  Hook(OverlappedSum& sum_of, std::size_t of) : sum(sum_of), parameter(of) {}
  void operator()(const torch::autograd::Variable& /*tensor*/) override { sum.take(parameter); }
  OverlappedSum& sum;
  std::size_t parameter;
};

OverlappedSum::OverlappedSum(FlatAdam& adam, Collective& collective, std::int64_t bucket)
    : adam_(adam), collective_(collective), bucket_(bucket) {
  REPRISE_CHECK(collective.can_overlap());
  const auto& parameters = adam_.parameters();
  slots_.resize(parameters.size());
  bucket_of_.resize(parameters.size());
  is_there_.resize(parameters.size());
  for (std::size_t at = 0; at < parameters.size(); ++at) {
    torch::autograd::impl::set_post_acc_grad_hooks(parameters[at],
                                                   std::make_unique<Hook>(*this, at));
  }
}

OverlappedSum::~OverlappedSum() {
  for (const auto& parameter : adam_.parameters()) {
    torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
  }
}

void OverlappedSum::begin() { is_last_pass_ = true; }

void OverlappedSum::take(std::size_t parameter) {
  if (!is_last_pass_) return;
  if (!buffer_.defined()) {
    order_.push_back(static_cast<std::int64_t>(parameter));
    return;
  }
  put(parameter);
  // The last bucket waits for the extra numbers.
  start_whole(buckets_.size() - 1);
  for (PendingSum& sum : pending_) sum.advance();
}

void OverlappedSum::put(std::size_t parameter) {
  const torch::NoGradGuard no_grad;
  torch::Tensor tensor = adam_.parameters()[parameter];
  auto& gradient = tensor.mutable_grad();
  if (gradient.defined()) {
    slots_[parameter].copy_(gradient);
    gradient = torch::Tensor();
  } else {
    slots_[parameter].zero_();
  }
  is_there_[parameter] = true;
  --buckets_[bucket_of_[parameter]].missing;
}

void OverlappedSum::start_whole(std::size_t end) {
  while (pending_.size() < end && buckets_[pending_.size()].missing == 0) {
    pending_.push_back(collective_.start_sum(buckets_[pending_.size()].numbers));
  }
}

void OverlappedSum::lay_out() {
  const auto& parameters = adam_.parameters();
  const auto count = static_cast<std::int64_t>(parameters.size());
  for (std::int64_t at = 0; at < count; ++at) {
    if (std::find(order_.begin(), order_.end(), at) == order_.end()) order_.push_back(at);
  }
  torch::Tensor order = torch::tensor(order_, torch::kInt64);
  collective_.broadcast(order, 0);
  std::copy_n(order.const_data_ptr<std::int64_t>(), count, order_.begin());

  std::int64_t total = FlatAdam::kExtra;
  for (const auto& parameter : parameters) total += parameter.numel();
  buffer_ = torch::zeros({total}, adam_.gradients().options());
  std::int64_t at = 0, first = 0;
  for (const std::int64_t index : order_) {
    const auto& parameter = parameters[index];
    if (at - first >= bucket_) {
      buckets_.back().numbers = buffer_.narrow(0, first, at - first);
      first = at;
    }
    if (buckets_.empty() || at == first) buckets_.emplace_back();
    slots_[index] = buffer_.narrow(0, at, parameter.numel()).view(parameter.sizes());
    bucket_of_[index] = buckets_.size() - 1;
    ++buckets_.back().size;
    at += parameter.numel();
  }
  buckets_.back().numbers = buffer_.narrow(0, first, total - first);
  extra_ = buffer_.narrow(0, at, FlatAdam::kExtra);
  for (Bucket& bucket : buckets_) bucket.missing = bucket.size;
}

void OverlappedSum::finish() {
  const torch::NoGradGuard no_grad;
  if (!buffer_.defined()) lay_out();
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    if (!is_there_[at]) put(at);
  }
  const torch::Tensor extra = adam_.gradients().narrow(0, 0, FlatAdam::kExtra);
  extra_.copy_(extra);
  start_whole(buckets_.size());
  for (PendingSum& sum : pending_) sum.wait();
  pending_.clear();
  at::_foreach_copy_(adam_.places(), slots_);
  extra.copy_(extra_);
  for (Bucket& bucket : buckets_) bucket.missing = bucket.size;
  is_there_.assign(is_there_.size(), false);
  is_last_pass_ = false;
}

}  // namespace reprise::worker
