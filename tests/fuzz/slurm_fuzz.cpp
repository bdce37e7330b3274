/// Any bytes as what squeue and sbatch print: jobs with numbers, or nothing.

#include <string_view>

#include "orchestrator/slurm.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reprise;
  using fuzz::require;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const slurm::Job& job : slurm::parse_queue(text)) {
    require(!job.id.empty() && job.id.front() >= '0' && job.id.front() <= '9');
    require(job.name.find('\n') == std::string::npos);
    (void)slurm::phase_of(job);
  }
  const std::string id = slurm::parse_job_id(text);
  require(id.find_first_not_of("0123456789") == std::string::npos);
  const std::string name = slurm::job_name(text);
  require(!name.empty() && name.size() <= 100);
  for (const char c : name) {
    require((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '.' || c == '_' || c == '-');
  }
  return 0;
}
