#include "models/parallel.h"

#include <ATen/TensorIterator.h>

#include "models/torch.h"

namespace reprise::models {

void parallel_parts(std::int64_t count, std::int64_t grain,
                    c10::function_ref<void(std::int64_t, std::int64_t)> work) {
  if (count <= 0) return;
  if (count <= grain || at::get_num_threads() == 1) {
    work(0, count);
    return;
  }
  // A byte for each, neither read nor written: its address says which one it is.
  const at::NoGradGuard no_gradients;
  const torch::Tensor marks = torch::empty({count}, torch::kByte);
  const char* const first = static_cast<const char*>(marks.data_ptr());
  auto iterator = at::TensorIterator::borrowing_nullary_op(marks);
  const auto loop = [&](char** data, const std::int64_t*, std::int64_t size, std::int64_t rows) {
    const std::int64_t begin = data[0] - first;
    work(begin, begin + size * rows);
  };
  iterator.for_each(at::TensorIteratorBase::loop2d_t(loop), grain);
}

}  // namespace reprise::models
