#pragma once
/// Work on numbered items in several threads, results taken in order.

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace reprise::datasets {

/// Calls `produce(i)` for i in [0, count) on `threads` threads and `consume(i, result)` on this
/// one, in order. At most `threads` results wait, so memory does not grow with the count.
///
/// The first exception in order of i is rethrown after all threads ended; which one that is does
/// not depend on timing.
template <typename Produce, typename Consume>
void ordered_parallel(int count, int threads, const Produce& produce, const Consume& consume) {
  using Result = decltype(produce(0));
  struct Slot {
    std::vector<Result> value;  // Empty or one: Result needs no default constructor.
    std::exception_ptr error;
  };
  std::mutex mutex;
  std::condition_variable changed;
  std::map<int, Slot> ready;
  int next = 0;
  int taken = 0;
  bool stop = false;
  const int ahead = 2 * std::max(threads, 1);

  const auto work = [&] {
    while (true) {
      int index = 0;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return stop || next >= count || next < taken + ahead; });
        if (stop || next >= count) return;
        index = next++;
      }
      Slot slot;
      try {
        slot.value.push_back(produce(index));
      } catch (...) {
        slot.error = std::current_exception();
      }
      const std::scoped_lock lock(mutex);
      ready.emplace(index, std::move(slot));
      changed.notify_all();
    }
  };
  const auto finish = [&] {
    const std::scoped_lock lock(mutex);
    stop = true;
    changed.notify_all();
  };

  std::vector<std::jthread> pool;
  for (int i = 0; i < std::clamp(threads, 1, std::max(count, 1)); ++i) pool.emplace_back(work);
  try {
    for (int index = 0; index < count; ++index) {
      Slot slot;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return ready.contains(index); });
        slot = std::move(ready.extract(index).mapped());
        taken = index + 1;
        changed.notify_all();
      }
      if (slot.error) std::rethrow_exception(slot.error);
      consume(index, std::move(slot.value.front()));
    }
  } catch (...) {
    finish();
    throw;
  }
  finish();
}

}  // namespace reprise::datasets
