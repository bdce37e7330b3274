#include "worker/cuda_graph.h"

#include <iostream>
#include <map>
#include <vector>

#include "sweep/error.h"

#ifdef REPRISE_CUDA
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#endif

namespace reprise::worker {

#ifdef REPRISE_CUDA
namespace {

/// `later` goes on when what is enqueued on `earlier` is done.
void wait_for(const c10::cuda::CUDAStream& earlier, const c10::cuda::CUDAStream& later) {
  at::cuda::CUDAEvent event;
  event.record(earlier);
  event.block(later);
}

}  // namespace

struct StreamScope::State {
  explicit State(const torch::Device& device)
      : before(c10::cuda::getCurrentCUDAStream(device.index())),
        own(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, before.device_index())),
        guard(own) {
    wait_for(before, own);
  }
  ~State() { wait_for(own, before); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  State(State&&) = delete;
  State& operator=(State&&) = delete;

  c10::cuda::CUDAStream before, own;
  c10::cuda::CUDAStreamGuard guard;
};

StreamScope::StreamScope(const torch::Device& device) {
  if (device.is_cuda()) state_ = std::make_unique<State>(device);
}

struct CudaGraph::State {
  at::cuda::CUDAGraph graph;
};

void CudaGraph::record(const std::function<void()>& work) {
  auto state = std::make_unique<State>();
  // Other threads may go on using the device meanwhile.
  state->graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  try {
    work();
  } catch (...) {
    try {
      state->graph.capture_end();
    } catch (const c10::Error&) {  // It says again that the recording failed.
    }
    throw;
  }
  state->graph.capture_end();
  state_ = std::move(state);
}

void CudaGraph::replay() {
  REPRISE_CHECK(state_ != nullptr);
  state_->graph.replay();
}
#else
struct StreamScope::State {};
StreamScope::StreamScope(const torch::Device& /*device*/) {}
struct CudaGraph::State {};
void CudaGraph::record(const std::function<void()>& /*work*/) {
  throw Error(ErrorCode::Unavailable, "this build has no CUDA");
}
void CudaGraph::replay() { throw Error(ErrorCode::Unavailable, "this build has no CUDA"); }
#endif

StreamScope::~StreamScope() = default;
CudaGraph::CudaGraph() = default;
CudaGraph::~CudaGraph() = default;

namespace {

class Graphed {
 public:
  using Function = std::function<torch::Tensor(const torch::Tensor&)>;
  explicit Graphed(Function function) : function_(std::move(function)) {}

  torch::Tensor operator()(const torch::Tensor& input) {
    if (!input.is_cuda() || !is_worth_it_) return function_(input);
    Recorded& recorded = by_shape_[input.sizes().vec()];
    if (by_shape_.size() > kShapesMax) {
      give_up();
      return function_(input);
    }
    if (recorded.calls++ < kCallsBefore) return function_(input);
    if (!recorded.graph.is_recorded() && !record(recorded, input)) return function_(input);
    recorded.input.copy_(input);
    recorded.graph.replay();
    return recorded.output.clone();
  }

 private:
  static constexpr std::size_t kShapesMax = 8;
  static constexpr std::int64_t kCallsBefore = 2;
  struct Recorded {
    std::int64_t calls = 0;
    torch::Tensor input, output;
    CudaGraph graph;
  };

  bool record(Recorded& recorded, const torch::Tensor& input) {
    const torch::InferenceMode normal_tensors(false);  // Later calls may be of any mode.
    const torch::NoGradGuard no_grad;
    const StreamScope stream(input.device());
    recorded.input = input.clone();
    function_(recorded.input);  // Libraries have a workspace for every stream.
    try {
      recorded.graph.record([&] { recorded.output = function_(recorded.input); });
      return true;
    } catch (const c10::Error& error) {
      std::cerr << "reprise-worker: runs without a CUDA graph: " << error.what_without_backtrace()
                << '\n';
      give_up();
      return false;
    }
  }

  void give_up() {
    is_worth_it_ = false;
    by_shape_.clear();
  }

  Function function_;
  std::map<std::vector<std::int64_t>, Recorded> by_shape_;
  bool is_worth_it_ = true;
};

}  // namespace

std::function<torch::Tensor(const torch::Tensor&)> graphed(
    std::function<torch::Tensor(const torch::Tensor&)> function) {
  return [state = std::make_shared<Graphed>(std::move(function))](const torch::Tensor& input) {
    return (*state)(input);
  };
}

}  // namespace reprise::worker
