#include "orchestrator/metrics.h"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace reprise {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Text {
 public:
  void family(const std::string& name, const char* type, const char* help) {
    name_ = "reprise_" + name;
    out_ << "# HELP " << name_ << ' ' << help << "\n# TYPE " << name_ << ' ' << type << '\n';
  }
  template <typename Number>
  void sample(const Number& value, const Labels& labels = {}) {
    out_ << name_;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      out_ << (i == 0 ? '{' : ',') << labels[i].first << "=\"" << escaped(labels[i].second) << '"';
    }
    out_ << (labels.empty() ? " " : "} ") << value << '\n';
  }
  template <typename Number>
  void single(const std::string& name, const char* type, const char* help, const Number& value) {
    family(name, type, help);
    sample(value);
  }
  [[nodiscard]] std::string str() const { return out_.str(); }

 private:
  static std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text) {
      if (c == '\n') {
        result += "\\n";
        continue;
      }
      if (c == '"' || c == '\\') result += '\\';
      result += c;
    }
    return result;
  }

  std::string name_;
  std::ostringstream out_;
};

void stages(Text& text, const core::Core& core, const std::vector<StageStatus>& all) {
  using core::StageState;
  text.family("stages", "gauge", "Stages in each state.");
  for (const StageState state :
       {StageState::Blocked, StageState::Ready, StageState::Running, StageState::Done,
        StageState::Failed, StageState::Aborted, StageState::Cancelled}) {
    text.sample(core.count(state), {{"state", std::string(core::to_string(state))}});
  }
  std::int64_t failures = 0;
  std::int64_t losses = 0;
  for (const core::StageView& view : core.stages()) {
    failures += view.failures;
    losses += view.losses;
  }
  text.single("stage_failures", "gauge", "Failures that stages caused, of all their attempts.",
              failures);
  text.single("stage_losses", "gauge", "Attempts lost through no fault of their stage.", losses);
  const auto running = [&](const auto& sample) {
    for (const StageStatus& status : all) {
      if (status.state != "running") continue;
      sample(status, Labels{{"stage", status.stage->id.substr(0, 12)},
                            {"label", status.stage->label},
                            {"gang", status.gang}});
    }
  };
  text.family("stage_progress_ratio", "gauge", "How far each running stage is.");
  running([&](const StageStatus& status, const Labels& labels) {
    const auto end = static_cast<double>(std::max<std::int64_t>(1, status.progress_end));
    text.sample(static_cast<double>(status.progress) / end, labels);
  });
  text.family("stage_steps_per_second", "gauge", "Steps a second of each running stage.");
  running([&](const StageStatus& status, const Labels& labels) {
    if (std::isfinite(status.steps_per_second)) text.sample(status.steps_per_second, labels);
  });
}

void gangs(Text& text, const core::Core& core, const Counters& counters) {
  using core::GangState;
  std::map<GangState, int> states;
  int connected = 0;
  int ranks = 0;
  for (const core::GangView& gang : core.gangs()) {
    ++states[gang.state];
    connected += gang.connected ? 1 : 0;
    ranks += gang.connected ? gang.ranks : 0;
  }
  text.family("gangs", "gauge", "Gangs in each state.");
  for (const GangState state : {GangState::Launching, GangState::Idle, GangState::Busy,
                                GangState::Stopping, GangState::Dying}) {
    text.sample(states[state], {{"state", std::string(core::to_string(state))}});
  }
  text.single("gangs_connected", "gauge", "Gangs with a line to the coordinator.", connected);
  text.single("ranks_connected", "gauge", "MPI ranks of those gangs.", ranks);
  text.single("gangs_started_total", "counter", "Gangs that were launched.",
              counters.gangs_started);
  text.single("gangs_ended_badly_total", "counter", "Gangs that ended without being asked to.",
              counters.gangs_lost);
  text.single("gangs_turned_away_total", "counter", "Stale gangs that were told to leave.",
              counters.turned_away);
}

/// Resident bytes; 0 where the kernel does not say.
std::uint64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  in >> total >> resident;
  return in ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

std::ptrdiff_t open_descriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator folder("/proc/self/fd", error);
  return error ? 0 : std::distance(begin(folder), end(folder));
}

}  // namespace

std::string metrics_text(const core::Core& core, const std::vector<StageStatus>& all,
                         const Counters& counters, std::int64_t now_ms) {
  Text text;
  stages(text, core, all);
  gangs(text, core, counters);
  text.family("messages_total", "counter", "Messages from gangs.");
  const char* kinds[] = {"hello", "heartbeat", "result", "failure"};
  for (std::size_t i = 0; i < counters.messages.size(); ++i) {
    text.sample(counters.messages.at(i), {{"type", kinds[i]}});
  }
  text.single("revocations_total", "counter", "Work that was stopped or came too late.",
              counters.revoked);
  text.single("commits_total", "counter", "Durable transactions.", counters.commits);
  text.single("commit_failures_total", "counter", "Transactions that must be tried again.",
              counters.commit_failures);
  text.single("commit_seconds_total", "counter", "Time spent in them.", counters.commit_seconds);
  text.single("paused", "gauge", "1 while no stage may start.", core.paused() ? 1 : 0);
  text.single("draining", "gauge", "1 while nothing new starts before the end.",
              core.draining() ? 1 : 0);
  text.single("uptime_seconds", "gauge", "Age of the coordinator.",
              static_cast<double>(now_ms - counters.started_ms) / 1000);
  text.single("resident_bytes", "gauge", "Memory of the coordinator.", resident_bytes());
  text.single("open_descriptors", "gauge", "Files and sockets of the coordinator.",
              open_descriptors());
  return text.str();
}

}  // namespace reprise
