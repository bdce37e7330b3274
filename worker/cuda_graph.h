#pragma once
/// CUDA graphs: work of a device recorded once and then launched as a whole, which costs the host
/// microseconds where a network's thousands of kernels cost it tens of milliseconds.
///
/// Builds without CUDA have these too; there only CPU devices exist, for which they do nothing.

#include <functional>
#include <memory>

#include "models/torch.h"

namespace reprise::worker {

/// While it lives, a stream of its own is torch's current one on a CUDA device: graphs cannot be
/// recorded on the default stream. The two streams wait for each other at its begin and end.
class StreamScope {
 public:
  explicit StreamScope(const torch::Device& device);
  ~StreamScope();
  StreamScope(const StreamScope&) = delete;
  StreamScope& operator=(const StreamScope&) = delete;
  StreamScope(StreamScope&&) = delete;
  StreamScope& operator=(StreamScope&&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;  ///< Null on a CPU.
};

class CudaGraph {
 public:
  CudaGraph();
  ~CudaGraph();
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;
  CudaGraph(CudaGraph&&) = delete;
  CudaGraph& operator=(CudaGraph&&) = delete;

  /// Records what `work` enqueues on the current stream, inside a StreamScope; nothing of it runs.
  /// `work` must have run there before (libraries set themselves up the first time), must not
  /// look at results, and its tensors from outside must keep their places in memory.
  /// Errors: c10::Error when it does something that cannot be recorded; the graph is as before.
  void record(const std::function<void()>& work);
  [[nodiscard]] bool is_recorded() const { return state_ != nullptr; }
  /// Enqueues the recorded work on the current stream.
  void replay();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A function of one tensor that is replayed as a graph from the third call of a shape on; on a CPU
/// it is just called. `function` must be pure but for its weights, which must stay where they are.
/// What cannot be recorded, or comes in more than a few shapes, is called.
std::function<torch::Tensor(const torch::Tensor&)> graphed(
    std::function<torch::Tensor(const torch::Tensor&)> function);

}  // namespace reprise::worker
