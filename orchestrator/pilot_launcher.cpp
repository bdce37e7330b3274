#include "orchestrator/pilot_launcher.h"

#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

PilotLauncher::PilotLauncher(LaunchOptions options)
    : options_(std::move(options)),
      script_(options_.workspace / "slurm" / "exec.sh"),
      intents_(options_.workspace / "slurm" / "pilots") {
  write_file_atomically(script_, slurm::kBatchScript);
  std::error_code error;
  // Slurm opens a job's log itself and gives no reason where the folder is missing.
  std::filesystem::create_directories(options_.workspace / "logs", error);
  if (error) {
    throw Error(ErrorCode::Unavailable,
                (options_.workspace / "logs").string() + ": cannot create: " + error.message());
  }
  cancel_left_over();
}

void PilotLauncher::cancel_left_over() {
  std::error_code error;  // No folder: nothing was ever submitted.
  for (const auto& file : std::filesystem::directory_iterator(intents_, error)) {
    const std::string gang = file.path().filename();
    // Half written by a coordinator that died before it could submit.
    const bool whole = gang.find(".tmp") == std::string::npos;
    if (whole && slurm::job_name(gang) == gang) errands_.push_back({Task::Cancel, gang});
  }
}

void PilotLauncher::forget(const std::string& gang) {
  std::error_code ignored;  // One more scancel by the next coordinator does no harm.
  std::filesystem::remove(intents_ / gang, ignored);
}

PilotLauncher::Pilots::iterator PilotLauncher::end(Pilots::iterator pilot) {
  forget(pilot->first);
  return pilots_.erase(pilot);
}

void PilotLauncher::launch(const std::string& gang, int /*ranks*/,
                           const std::vector<int>& /*devices*/, std::int64_t now_ms) {
  write_file_atomically(intents_ / gang, "");
  pilots_[gang] = Pilot{.job = "", .seen = now_ms, .submitting = true};
  errands_.push_back({Task::Submit, gang});
}

void PilotLauncher::kill(const std::string& gang, std::int64_t /*now_ms*/) {
  const auto found = pilots_.find(gang);
  if (found == pilots_.end() || found->second.killed) return;
  found->second.killed = true;
  // After its own submission, if that still waits: errands go in order.
  errands_.push_back({Task::Cancel, gang});
}

void PilotLauncher::start_errand(std::int64_t now_ms) {
  if (command_) return;
  if (errands_.empty()) {
    if (pilots_.empty() || now_ms < next_look_) return;
    errands_.push_back({Task::Look, ""});
  }
  running_ = errands_.front();
  errands_.pop_front();
  std::vector<std::string> words;
  switch (running_.task) {
    case Task::Submit:
      words = slurm::pilot_words(options_, running_.gang, script_);
      break;
    case Task::Cancel:
      words = {"scancel", "--quiet", "--name=" + running_.gang};
      break;
    case Task::Look:
      words = slurm::queue_words();
      next_look_ = now_ms + options_.slurm.poll_ms;
      break;
  }
  command_.emplace(words, thread_variables(options_.threads), now_ms, options_.slurm.command_ms);
}

void PilotLauncher::take_submission(const std::string& gang, const CommandEnd& end,
                                    std::vector<LaunchEvent>& events) {
  const auto found = pilots_.find(gang);
  if (found == pilots_.end()) return;
  found->second.submitting = false;
  // Slow or cut off: it may have been accepted. The queue will tell, by its name.
  if (end.timed_out || end.exit_code >= 128) return;
  found->second.job = slurm::parse_job_id(end.output);
  if (end.exit_code == 0 && !found->second.job.empty()) {
    events.emplace_back(GangSubmitted{gang, found->second.job});
    return;
  }
  // "Unable to contact slurm controller": as good as a time-out.
  if (end.output.find("contact slurm controller") != std::string::npos ||
      end.output.find("Socket timed out") != std::string::npos) {
    return;
  }
  events.emplace_back(GangExit{.gang = gang, .reason = "sbatch: " + first_line(end.output)});
  this->end(found);
}

void PilotLauncher::take_job(const slurm::Job& job, std::int64_t now_ms,
                             std::vector<LaunchEvent>& events) {
  const auto found = pilots_.find(job.name);
  if (found == pilots_.end()) return;
  Pilot& pilot = found->second;
  pilot.seen = now_ms;
  if (pilot.job != job.id) {
    pilot.job = job.id;
    events.emplace_back(GangSubmitted{job.name, job.id});
  }
  const std::string log = " (see " + gang_log(options_.workspace, job.name).string() + ")";
  const std::string what = "Slurm job " + job.id + ": " + job.state;
  switch (slurm::phase_of(job)) {
    case slurm::JobPhase::Queued:
      return;
    case slurm::JobPhase::Running:
      if (!pilot.started) events.emplace_back(GangStarting{job.name});
      pilot.started = true;
      return;
    case slurm::JobPhase::Held:
      // "launch failed requeued held": Slurm will never start it; a node may be drained with
      // "Duplicate jobid". A new job under a new name takes its place.
      errands_.push_back({Task::Cancel, job.name});
      events.emplace_back(GangExit{
          .gang = job.name,
          .reason = what + ", " + job.reason + ": cancelled; see scontrol show job " + job.id,
          .blameless = true});
      break;
    case slurm::JobPhase::Ended:
    case slurm::JobPhase::EndedBlameless:
      events.emplace_back(
          GangExit{.gang = job.name,
                   .reason = what + log,
                   .expected = job.state == "COMPLETED",
                   .blameless = slurm::phase_of(job) == slurm::JobPhase::EndedBlameless});
      break;
  }
  end(found);
}

void PilotLauncher::take_queue(const std::string& text, std::int64_t now_ms,
                               std::vector<LaunchEvent>& events) {
  for (const slurm::Job& job : slurm::parse_queue(text)) take_job(job, now_ms, events);
  for (auto it = pilots_.begin(); it != pilots_.end();) {
    const auto& [gang, pilot] = *it;
    if (pilot.submitting || now_ms - pilot.seen < options_.slurm.vanish_ms) {
      ++it;
      continue;
    }
    const std::string job = pilot.job.empty() ? "its submission" : "Slurm job " + pilot.job;
    events.emplace_back(
        GangExit{.gang = gang, .reason = job + " vanished from the queue", .blameless = true});
    it = end(it);
  }
}

void PilotLauncher::finish_errand(const CommandEnd& end, std::int64_t now_ms,
                                  std::vector<LaunchEvent>& events) {
  switch (running_.task) {
    case Task::Submit:
      take_submission(running_.gang, end, events);
      return;
    case Task::Cancel:
      next_look_ = now_ms;
      // Our own pilots are forgotten when the queue shows their end.
      if (end.exit_code == 0 && !pilots_.contains(running_.gang)) forget(running_.gang);
      return;
    case Task::Look:
      // An answer that did not come says nothing about the jobs.
      if (end.exit_code == 0) take_queue(end.output, now_ms, events);
      return;
  }
}

std::vector<LaunchEvent> PilotLauncher::poll(std::int64_t now_ms,
                                             const std::set<std::string>& connected) {
  std::vector<LaunchEvent> events;
  for (auto& [gang, pilot] : pilots_) {
    if (connected.contains(gang)) pilot.seen = now_ms;
  }
  if (command_) {
    if (const auto end = command_->poll(now_ms)) {
      command_.reset();
      finish_errand(*end, now_ms, events);
    }
  }
  start_errand(now_ms);
  return events;
}

}  // namespace reprise
