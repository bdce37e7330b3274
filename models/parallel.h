#pragma once
/// Own kernels on LibTorch's CPU threads.

#include <c10/util/FunctionRef.h>

#include <cstdint>

namespace reprise::models {

/// Calls work(begin, end) for parts of [0, count) that together are all of it, each of at least
/// `grain` but the last, on LibTorch's threads (`torch::set_num_threads`). An error of `work` is
/// thrown on.
///
/// `at::parallel_for` would do, were it not a template on OpenMP: compiled by anything but the
/// compiler of LibTorch's OpenMP it runs on the caller's thread alone, and another OpenMP would
/// bring a second pool of threads. This one is compiled into LibTorch.
void parallel_parts(std::int64_t count, std::int64_t grain,
                    c10::function_ref<void(std::int64_t, std::int64_t)> work);

}  // namespace reprise::models
