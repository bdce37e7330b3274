#include "orchestrator/slurm.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "sweep/error.h"

namespace reprise::slurm {
namespace {

constexpr std::string_view kNameCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

/// What a job or a step of `count` gangs needs.
void add_resources(std::vector<std::string>& words, const LaunchOptions& options, int count) {
  words.push_back("--ntasks=" + std::to_string(options.ranks * count));
  words.push_back("--cpus-per-task=" + std::to_string(options.threads));
  if (options.device == "cuda") words.emplace_back("--gpus-per-task=1");
}

void add_site(std::vector<std::string>& words, const SlurmOptions& options) {
  if (!options.partition.empty()) words.push_back("--partition=" + options.partition);
  if (!options.account.empty()) words.push_back("--account=" + options.account);
  if (!options.qos.empty()) words.push_back("--qos=" + options.qos);
  if (options.minutes > 0) words.push_back("--time=" + std::to_string(options.minutes));
  for (const auto& [key, value] : options.extra) {
    words.push_back(value.empty() ? "--" + key : "--" + key + "=" + value);
  }
}

void append(std::vector<std::string>& words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
}

}  // namespace

std::vector<std::string> step_words(const LaunchOptions& options, const std::string& gang) {
  // --exact: gangs side by side, each on its own cores. --mem=0: a step would otherwise take all
  // the allocation's memory and the next one would wait for it.
  std::vector<std::string> words{"srun",    "-K1",     "--mpi=pmix",        "--exact",
                                 "--mem=0", "--quiet", "--job-name=" + gang};
  add_resources(words, options, 1);
  append(words, worker_words(options, gang));
  return words;
}

std::vector<std::string> pilot_words(const LaunchOptions& options, const std::string& gang,
                                     const std::string& script) {
  std::vector<std::string> words{"sbatch", "--parsable", "--no-requeue", "--job-name=" + gang,
                                 "--comment=reprise", "--open-mode=append",
                                 "--output=" + gang_log(options.workspace, gang).string(),
                                 "--chdir=" + options.workspace.string(),
                                 // To the steps, so to the ranks: checkpoint, hand back, leave.
                                 "--signal=USR1@" + std::to_string(options.slurm.grace_seconds)};
  add_resources(words, options, 1);
  add_site(words, options.slurm);
  append(words, {script, "srun", "-K1", "--mpi=pmix"});
  append(words, worker_words(options, gang));
  return words;
}

std::vector<std::string> allocation_words(const LaunchOptions& options,
                                          const Allocation& allocation,
                                          const std::vector<std::string>& command) {
  std::vector<std::string> words{
      "sbatch", "--parsable", "--requeue", "--job-name=" + allocation.name, "--comment=reprise",
      "--open-mode=append", "--output=" + allocation.log, "--chdir=" + options.workspace.string(),
      // To the coordinator, which then asks its gangs.
      "--signal=B:USR1@" + std::to_string(options.slurm.grace_seconds)};
  if (allocation.gangs > 0) {
    add_resources(words, options, allocation.gangs);
  } else {
    words.emplace_back("--ntasks=1");
  }
  add_site(words, options.slurm);
  words.push_back(allocation.script);
  append(words, command);
  return words;
}

std::map<std::string, std::string> parse_extra(const std::vector<std::string>& settings) {
  static constexpr std::array kOurs{
      "parsable", "requeue", "no-requeue", "job-name", "comment",       "open-mode",
      "output",   "chdir",   "signal",     "ntasks",   "cpus-per-task", "partition",
      "account",  "qos",     "time",       "wrap",     "array",         "error"};
  std::map<std::string, std::string> result;
  for (const std::string& setting : settings) {
    const auto equals = setting.find('=');
    const std::string key = setting.substr(0, equals);
    const std::string where = "--slurm " + setting;
    if (key.empty() || key.front() == '-' ||
        key.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") != std::string::npos) {
      throw_invalid(where + ": want OPTION=VALUE with a long option of sbatch, without dashes");
    }
    if (std::find(kOurs.begin(), kOurs.end(), key) != kOurs.end()) {
      throw_invalid(where + ": reprise sets --" + key + " itself");
    }
    result[key] = equals == std::string::npos ? "" : setting.substr(equals + 1);
  }
  return result;
}

std::string job_name(std::string_view text) {
  std::string name(text.substr(0, 100));
  for (char& letter : name) {
    if (kNameCharacters.find(letter) == std::string_view::npos) letter = '-';
  }
  return name.empty() ? "-" : name;
}

std::vector<std::string> queue_words() {
  // Not --json: its shape changes from one Slurm to the next.
  return {"squeue", "--noheader", "--states=all", "--user=" + std::to_string(::geteuid()),
          "--format=%i|%T|%r|%j"};
}

std::vector<Job> parse_queue(std::string_view text) {
  std::vector<Job> jobs;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    std::array<std::size_t, 3> bars{};
    std::size_t from = 0;
    bool whole = true;
    for (std::size_t& bar : bars) {
      bar = line.find('|', from);
      whole = whole && bar != std::string_view::npos;
      from = bar + 1;
    }
    const std::string_view id = whole ? line.substr(0, bars[0]) : std::string_view();
    if (id.empty() || id.find_first_of("0123456789") != 0) continue;
    jobs.push_back({.id = std::string(id),
                    .state = std::string(line.substr(bars[0] + 1, bars[1] - bars[0] - 1)),
                    .reason = std::string(line.substr(bars[1] + 1, bars[2] - bars[1] - 1)),
                    .name = std::string(line.substr(bars[2] + 1))});
  }
  return jobs;
}

JobPhase phase_of(const Job& job) {
  static constexpr std::array kBlameless{"PREEMPTED", "NODE_FAIL", "BOOT_FAIL",
                                         "TIMEOUT",   "DEADLINE",  "REVOKED"};
  static constexpr std::array kEnded{"COMPLETED", "FAILED", "CANCELLED", "OUT_OF_MEMORY"};
  const auto is_one_of = [&](const auto& names) {
    return std::find(names.begin(), names.end(), job.state) != names.end();
  };
  if (is_one_of(kBlameless)) return JobPhase::EndedBlameless;
  if (is_one_of(kEnded)) return JobPhase::Ended;
  if (job.state == "SPECIAL_EXIT" || job.state == "REQUEUE_HOLD") return JobPhase::Held;
  if (job.state == "PENDING" || job.state == "REQUEUED" || job.state == "REQUEUE_FED") {
    const bool held = job.reason.find("requeued held") != std::string::npos ||
                      job.reason.find("requeued_held") != std::string::npos ||
                      job.reason == "JobHeldAdmin" || job.reason == "BadConstraints";
    return held ? JobPhase::Held : JobPhase::Queued;
  }
  return JobPhase::Running;
}

std::string parse_job_id(std::string_view output) {
  // Warnings may come before it: the last line that begins with a digit.
  std::string id;
  while (!output.empty()) {
    const auto end = output.find('\n');
    const std::string_view line = output.substr(0, end);
    output = end == std::string_view::npos ? std::string_view() : output.substr(end + 1);
    const auto digits = line.find_first_not_of("0123456789");
    const std::string_view number = line.substr(0, digits);
    const bool clean = digits == std::string_view::npos || line[digits] == ';';
    if (!number.empty() && clean) id = std::string(number);
  }
  return id;
}

}  // namespace reprise::slurm
