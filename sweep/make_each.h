#pragma once
/// Many equal pieces of work on all cores.

#include <algorithm>
#include <cstddef>
#include <future>
#include <iterator>
#include <thread>
#include <vector>

namespace reprise::sweep {

/// make(0) to make(count - 1), in this order, made by several threads where there are thousands.
/// Of several that throw, the error of the first in order is thrown.
template <typename Make>
auto make_each(std::size_t count, const Make& make) {
  using Item = decltype(make(count));
  constexpr std::size_t kWorthAThread = 500;
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t parts = std::clamp<std::size_t>(count / kWorthAThread, 1, cores);
  std::vector<std::future<std::vector<Item>>> pending;
  for (std::size_t part = 0; part < parts; ++part) {
    // The first is this thread's own.
    pending.push_back(
        std::async(part == 0 ? std::launch::deferred : std::launch::async, [=, &make] {
          const std::size_t end = count * (part + 1) / parts;
          std::vector<Item> items;
          items.reserve(count / parts + 1);
          for (std::size_t i = count * part / parts; i < end; ++i) items.push_back(make(i));
          return items;
        }));
  }
  std::vector<Item> all = pending.front().get();
  all.reserve(count);
  for (std::size_t part = 1; part < parts; ++part) {
    std::vector<Item> items = pending[part].get();
    std::move(items.begin(), items.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace reprise::sweep
