#include <cstddef>
#include <span>

#include "sweep/error.h"
#include "worker/collective.h"
#include "worker/nccl_collective.h"

namespace reprise::worker {
namespace {

class MpiCollective final : public Collective {
 public:
  using Collective::Collective;

  void all_reduce_sum(torch::Tensor& values) override {
    REPRISE_CHECK(values.is_contiguous() && values.device().is_cpu());
    const auto count = static_cast<std::size_t>(values.numel());
    if (values.scalar_type() == torch::kFloat64) {
      mpi().sum(std::span(values.data_ptr<double>(), count));
    } else {
      mpi().sum(std::span(values.data_ptr<float>(), count));
    }
  }

  [[nodiscard]] bool can_overlap() const override { return true; }

  [[nodiscard]] PendingSum start_sum(torch::Tensor& values) override {
    REPRISE_CHECK(values.is_contiguous() && values.device().is_cpu());
    return mpi().start_sum(
        std::span(values.data_ptr<float>(), static_cast<std::size_t>(values.numel())));
  }

  void broadcast(torch::Tensor& values, int root) override {
    REPRISE_CHECK(values.is_contiguous() && values.device().is_cpu());
    mpi().broadcast(std::span(static_cast<std::byte*>(values.data_ptr()), values.nbytes()), root);
  }
};

/// Autograd node of `sum_over_ranks`.
struct SumFunction : torch::autograd::Function<SumFunction> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& mine,
                               int64_t collective) {
    context->saved_data["collective"] = collective;
    return reduced(mine, collective);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    return {reduced(grads[0], context->saved_data["collective"].toInt()), torch::Tensor()};
  }

  static torch::Tensor reduced(const torch::Tensor& mine, int64_t collective) {
    torch::Tensor sum = mine.detach().clone(at::MemoryFormat::Contiguous);
    reinterpret_cast<Collective*>(collective)->all_reduce_sum(sum);
    return sum;
  }
};

}  // namespace

PendingSum Collective::start_sum(torch::Tensor& values) {
  all_reduce_sum(values);
  return {};
}

std::unique_ptr<Collective> make_collective(const MpiSession& mpi, const torch::Device& device) {
  if (device.is_cpu()) return std::make_unique<MpiCollective>(mpi);
#ifdef REPRISE_WORKER_NCCL
  return make_nccl_collective(mpi, device);
#else
  throw_invalid("device " + device.str() + ": this build has no CUDA");
#endif
}

std::function<torch::Tensor(const torch::Tensor&)> sum_over_ranks(Collective& collective) {
  if (collective.size() == 1) return [](const torch::Tensor& mine) { return mine; };
  return [&collective](const torch::Tensor& mine) {
    return SumFunction::apply(mine, reinterpret_cast<int64_t>(&collective));
  };
}

}  // namespace reprise::worker
