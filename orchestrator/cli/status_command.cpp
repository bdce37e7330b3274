/// `reprise status`: what runs, is done and has failed.

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <map>
#include <set>
#include <thread>

#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/opened_study.h"
#include "orchestrator/client.h"
#include "sweep/error.h"
#include "sweep/json.h"
#include "sweep/printable.h"

namespace reprise::cli {
namespace {

namespace json = boost::json;

struct StatusFlags {
  StudyOptions study;
  bool json = false, watch = false, stages = false;
  double seconds = 1;
};

struct StatusLine {
  std::string id, label, state, detail;
  json::object live;  ///< Of a stage that runs: what its gang last told.
};

std::string state_of(const db::Store* store, const std::string& stage, std::string& detail) {
  if (store == nullptr) return "waiting";
  const auto attempts = store->attempts(stage);
  if (!attempts.empty()) {
    const db::AttemptRow& last = attempts.back();
    detail = fmt::format("{} attempt(s), last on {}", attempts.size(), last.gang);
    if (!last.message.empty()) detail += ": " + last.message;
    if (!store->is_done(stage)) return last.outcome.empty() ? "running" : last.outcome;
  }
  return store->is_done(stage) ? "done" : "waiting";
}

std::vector<StatusLine> recorded(const Opened& opened) {
  std::vector<StatusLine> lines;
  for (const sweep::Stage& stage : opened.plan.stages) {
    StatusLine& line = lines.emplace_back(StatusLine{stage.id, stage.label, "", "", {}});
    line.state = state_of(opened.store.get(), stage.id, line.detail);
  }
  return lines;
}

/// What the coordinator that runs says of the stages; it knows how far they are.
std::map<std::string, StatusLine> live_lines(const Client& client) {
  const json::value status = sweep::parse_json(client.get("/status"), "/status");
  std::map<std::string, StatusLine> lines;
  for (const json::value& value : status.at("stages").as_array()) {
    const json::object& stage = value.as_object();
    const auto text = [&](const char* key) { return std::string(stage.at(key).as_string()); };
    const auto number = [&](const char* key) {
      return stage.at(key).is_number() ? stage.at(key).to_number<double>() : 0.0;
    };
    StatusLine line{text("id"), text("label"), text("state"), text("message"), {}};
    if (line.state == "running") {
      for (const char* key : {"gang", "progress", "progress_end", "loss", "steps_per_second"}) {
        line.live[key] = stage.at(key);
      }
      line.detail = fmt::format("{:.0f}/{:.0f} on {}", number("progress"), number("progress_end"),
                                text("gang"));
      if (number("loss") != 0) line.detail += fmt::format(", loss {:.4g}", number("loss"));
      const double speed = number("steps_per_second");
      if (speed > 0) {
        const double left = (number("progress_end") - number("progress")) / speed;
        line.detail += fmt::format(", {:.1f}/s, {:.0f} s left", speed, left);
      }
    }
    lines.emplace(line.id, std::move(line));
  }
  return lines;
}

/// The database's lines, each replaced by what a running coordinator says of it. `live`: one does.
std::vector<StatusLine> gather(const StatusFlags& flags, const Opened& opened, bool& live) {
  std::vector<StatusLine> lines = recorded(opened);
  live = is_held(flags.study.workspace);
  if (!live) return lines;
  try {
    const auto now = live_lines(Client(std::filesystem::path(flags.study.workspace)));
    for (StatusLine& line : lines) {
      if (const auto found = now.find(line.id); found != now.end()) {
        const std::string before = std::exchange(line.detail, found->second.detail);
        line.state = found->second.state;
        line.live = found->second.live;
        if (line.detail.empty() && line.state == "done") line.detail = before;
      }
    }
  } catch (const Error&) {
    // It starts or ends just now: the database's lines are right then too.
  }
  return lines;
}

std::string text_of(const StatusLine& line) {
  return printable(fmt::format("{:<11}  {}  {:<28}  {}", line.state, line.id.substr(0, 12),
                               line.label, line.detail));
}

/// The lines worth a look: all of a short list, else of stages that run or need a person.
std::vector<const StatusLine*> listed(const StatusFlags& flags,
                                      const std::vector<StatusLine>& lines) {
  static const std::set<std::string> kQuiet{"done", "waiting", "blocked", "ready"};
  const bool is_short = flags.stages || lines.size() <= kListedMax;
  std::vector<const StatusLine*> list;
  for (const StatusLine& line : lines) {
    if (is_short || (list.size() < kListedMax && !kQuiet.contains(line.state)))
      list.push_back(&line);
  }
  return list;
}

std::string sum_of(const std::vector<StatusLine>& lines, std::size_t shown, bool live) {
  std::map<std::string, int> counts;
  for (const StatusLine& line : lines) ++counts[line.state];
  std::string text = std::to_string(lines.size()) + " stages:";
  for (const auto& [state, count] : counts) text += fmt::format(" {} {},", count, state);
  text.pop_back();
  if (!live) text += "; no coordinator runs here";
  return shown == lines.size() ? text : text + "; --stages lists them all";
}

int exit_of(const std::vector<StatusLine>& lines) {
  for (const StatusLine& line : lines) {
    if (line.state == "failed" || line.state == "aborted") {
      return static_cast<int>(ErrorCode::TrialFailed);
    }
  }
  return 0;
}

/// A terminal is drawn anew; a file gets each line that changed. Ends once no coordinator runs.
int watch(const StatusFlags& flags, Opened opened) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  std::map<std::string, std::string> before;
  while (true) {
    bool live = false;
    const std::vector<StatusLine> lines = gather(flags, opened, live);
    if (terminal) {
      std::string page = "\033[H\033[J";
      const auto list = listed(flags, lines);
      for (const StatusLine* line : list) page += text_of(*line) + "\n";
      std::printf("%s%s\n", page.c_str(), sum_of(lines, list.size(), live).c_str());
    } else {
      for (const StatusLine& line : lines) {
        const std::string now = text_of(line);
        if (std::exchange(before[line.id], now) != now) std::printf("%s\n", now.c_str());
      }
      if (!live) std::printf("%s\n", sum_of(lines, lines.size(), live).c_str());
    }
    (void)std::fflush(stdout);
    if (!live) return exit_of(lines);
    std::this_thread::sleep_for(std::chrono::duration<double>(flags.seconds));
    // A data set that has just been imported gives the stages their final ids.
    if (opened.store == nullptr || !opened.pending.empty()) opened = open_study(flags.study);
  }
}

int show_status(const StatusFlags& flags) {
  Opened opened = open_study(flags.study);
  if (flags.watch) return watch(flags, std::move(opened));
  bool live = false;
  const std::vector<StatusLine> lines = gather(flags, opened, live);
  if (flags.json) {
    json::array stages;
    for (const StatusLine& line : lines) {
      json::object stage{
          {"id", line.id}, {"label", line.label}, {"state", line.state}, {"detail", line.detail}};
      stage.insert(line.live.begin(), line.live.end());
      stages.push_back(std::move(stage));
    }
    std::printf("%s\n", json::serialize(stages).c_str());
    return 0;
  }
  const auto list = listed(flags, lines);
  for (const StatusLine* line : list) std::printf("%s\n", text_of(*line).c_str());
  std::printf("%s\n", sum_of(lines, list.size(), live).c_str());
  return 0;
}

}  // namespace

void add_status_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<StatusFlags>();
  CLI::App* command = app.add_subcommand("status", "Show what runs, is done and has failed");
  add_study_options(*command, flags->study);
  auto* json = command->add_flag("--json", flags->json, "A JSON list instead of text");
  command->add_flag("--stages", flags->stages, "List all stages, however many");
  command
      ->add_flag("--watch", flags->watch,
                 "Show it anew until no coordinator runs any more; exit code 4 if a stage failed")
      ->excludes(json);
  command->add_option("--every", flags->seconds, "Seconds between two looks of --watch")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command->callback([flags, &exit] { exit.value = show_status(*flags); });
}

}  // namespace reprise::cli
