// Preloaded into a program under test: one of its allocations fails.
//
// FAILING_MEMORY="PROGRAM AT MARKER": the AT-th `new` of a process called PROGRAM throws
// std::bad_alloc, once only: then the file MARKER is made, and no process fails any more.

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

// Made of C alone: whatever allocates would come back here.
char program[256], marker[3072];
long long at = 0;
std::atomic<long long> calls{0};

__attribute__((constructor)) void read_plan() {
  const char* text = std::getenv("FAILING_MEMORY");
  long long wanted = 0;
  if (text == nullptr || std::sscanf(text, "%255s %lld %3071s", program, &wanted, marker) != 3) {
    return;
  }
  char exe[4096] = {};
  if (::readlink("/proc/self/exe", exe, sizeof exe - 1) <= 0) return;
  const char* name = std::strrchr(exe, '/');
  if (name != nullptr && std::strcmp(program, name + 1) == 0) at = wanted;
}

bool fails() {
  if (at == 0 || ++calls != at || ::access(marker, F_OK) == 0) return false;
  ::close(::open(marker, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  return true;
}

}  // namespace

void* operator new(std::size_t size) {
  void* memory = fails() ? nullptr : std::malloc(size > 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
