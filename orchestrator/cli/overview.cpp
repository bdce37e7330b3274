#include "orchestrator/cli/overview.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>

#include "dashboards/web/api.h"
#include "orchestrator/cli/json_text.h"
#include "orchestrator/cli/units.h"
#include "orchestrator/client.h"
#include "sweep/error.h"
#include "sweep/json.h"
#include "sweep/printable.h"

namespace reprise::cli {
namespace {

namespace json = boost::json;
namespace web = dashboards::web;

constexpr std::size_t kProblemsMax = 20;

double number(const json::value& value) {
  return value.is_number() ? value.to_number<double>() : std::nan("");
}

std::int64_t sum(const json::object& counts) {
  std::int64_t total = 0;
  for (const auto& [state, count] : counts) total += count.to_number<std::int64_t>();
  return total;
}

std::string percent(double part, double whole) {
  return fmt::format("{:.0f} %", whole > 0 ? 100 * part / whole : 0);
}

/// "done", "about 2.3 h on 3 gangs", or why it is not known.
std::string left_text(const json::object& study, std::size_t gangs) {
  const json::object& stages = study.at("stages").as_object();
  if (stages.at("done").to_number<std::int64_t>() == sum(stages)) return "nothing";
  const double seconds = number(study.at("seconds").at("left"));
  if (!std::isfinite(seconds)) return "not yet known: no training has run for a hundred steps";
  const std::size_t workers = std::max<std::size_t>(1, gangs);
  return fmt::format("about {} on {} gang{}", duration_text(seconds / static_cast<double>(workers)),
                     workers, workers == 1 ? "" : "s");
}

std::string counts_text(const json::object& counts) {
  std::string text =
      fmt::format("{} of {} done", counts.at("done").to_number<std::int64_t>(), sum(counts));
  for (const auto& [state, count] : counts) {
    if (state == "done" || count == 0) continue;
    text += fmt::format(", {} {}", count.to_number<std::int64_t>(), std::string_view(state));
  }
  return text;
}

std::string study_text(const json::object& study, std::size_t gangs) {
  const json::value& steps = study.at("steps");
  const json::value& seconds = study.at("seconds");
  const std::string name = printable(study.at("study").as_string());
  const std::string title = printable(study.at("title").as_string());
  const double total = number(steps.at("total"));
  const double alone = number(steps.at("alone"));
  return fmt::format(
      "{}{}\n  steps   {} ({} of {})\n  trials  {}\n  stages  {}\n  left    {}\n"
      "  saved   {} of the steps by sharing; {} of gang time not repeated\n"
      "  spent   {} of gang time\n",
      name, title == name ? "" : ": " + title, percent(number(steps.at("done")), total),
      number(steps.at("done")), total, counts_text(study.at("trials").as_object()),
      counts_text(study.at("stages").as_object()), left_text(study, gangs),
      percent(alone - total, alone), duration_text(number(seconds.at("saved"))),
      duration_text(number(seconds.at("spent"))));
}

/// One line a gang: from the coordinator where one runs, else from the attempts that are open.
json::array gang_rows(const json::object& overview, std::int64_t now) {
  std::vector<const json::object*> open;
  for (const json::value& study : overview.at("studies").as_array()) {
    for (const json::value& attempt : study.at("running").as_array()) {
      open.push_back(&attempt.as_object());
    }
  }
  json::array rows;
  const auto add = [&](const json::value& gang, const json::value& state,
                       const json::object* attempt, const json::object* stage) {
    json::object row{{"gang", gang},   {"state", state}, {"device", ""},  {"stage", ""},
                     {"progress", ""}, {"loss", ""},     {"steps/s", ""}, {"since", ""}};
    if (attempt != nullptr) {
      row["device"] = fmt::format("{}, {} x {}", attempt->at("host").as_string().c_str(),
                                  attempt->at("ranks").to_number<int>(),
                                  attempt->at("device").as_string().c_str());
      row["stage"] = attempt->at("label");
      row["since"] =
          duration_text((static_cast<double>(now) - number(attempt->at("started"))) / 1000);
    }
    if (stage != nullptr) {
      row["stage"] = stage->at("label");
      row["progress"] =
          fmt::format("{} / {}", number(stage->at("progress")), number(stage->at("progress_end")));
      row["loss"] = stage->at("loss");
      row["steps/s"] = stage->at("steps_per_second");
    }
    rows.push_back(std::move(row));
  };
  const auto of_gang = [](const auto& list, const json::value& name, const auto& object_of) {
    const auto found = std::find_if(list.begin(), list.end(), [&](const auto& item) {
      return object_of(item).at("gang") == name;
    });
    return found == list.end() ? nullptr : &object_of(*found);
  };
  const json::value* run = overview.if_contains("run");
  if (run == nullptr) {
    for (const json::object* attempt : open) add(attempt->at("gang"), "running", attempt, nullptr);
    return rows;
  }
  for (const json::value& gang : run->at("gangs").as_array()) {
    const json::value& name = gang.at("name");
    add(name, gang.at("state"),
        of_gang(open, name, [](const json::object* o) -> const json::object& { return *o; }),
        of_gang(run->at("stages").as_array(), name,
                [](const json::value& v) -> const json::object& { return v.as_object(); }));
  }
  return rows;
}

std::string problems_text(const json::array& studies) {
  std::string text;
  std::size_t count = 0;
  for (const json::value& study : studies) {
    for (const json::value& problem : study.at("problems").as_array()) {
      if (++count > kProblemsMax) continue;
      text += fmt::format(
          "  {}  {}, {}, {} attempt(s)\n      {}\n",
          std::string_view(problem.at("stage").as_string()).substr(0, 12),
          printable(problem.at("label").as_string()), printable(study.at("study").as_string()),
          problem.at("attempts").to_number<int>(), printable(problem.at("message").as_string()));
    }
  }
  if (count == 0) return "";
  text = fmt::format("\nneed a person ({}):\n", count) + text;
  if (count > kProblemsMax)
    text += fmt::format("  and {} more: reprise show stages STUDY\n", count - kProblemsMax);
  return text;
}

}  // namespace

std::optional<json::object> running_sweep(const std::filesystem::path& workspace) {
  if (!is_held(workspace)) return std::nullopt;
  try {
    json::value status = sweep::parse_json(Client(workspace).get("/status"), "/status");
    json::object run = std::move(status.as_object());
    json::array running;
    for (json::value& stage : run.at("stages").as_array()) {
      if (stage.at("state") == "running") running.push_back(std::move(stage));
    }
    run["stages"] = std::move(running);
    return run;
  } catch (const Error&) {
    return std::nullopt;
  }
}

json::object overview_json(const db::Store& store, const std::filesystem::path& workspace) {
  json::array studies;
  for (const std::string& name : store.studies()) {
    studies.push_back(web::study_summary(*web::load_study_view(store, name)));
  }
  auto run = running_sweep(workspace);
  json::object overview{{"live", run.has_value()}, {"studies", std::move(studies)}};
  if (run) overview["run"] = std::move(*run);
  return overview;
}

std::string overview_text(const json::object& overview, std::int64_t now) {
  const json::array& studies = overview.at("studies").as_array();
  if (studies.empty())
    return "this workspace holds no study yet: reprise run STUDY.toml -w WORKSPACE\n";
  std::string text;
  const json::array gangs = gang_rows(overview, now);
  for (const json::value& study : studies)
    text += study_text(study.as_object(), gangs.size()) + "\n";
  if (const json::value* run = overview.if_contains("run")) {
    text += "a coordinator runs here";
    for (const char* what : {"paused", "draining", "stopping"}) {
      if (run->at(what) == true) text += std::string(", ") + what;
    }
    text += "\n";
  } else {
    text += "no coordinator runs here\n";
  }
  if (!gangs.empty()) text += "\n" + json_text(gangs);
  return text + problems_text(studies);
}

}  // namespace reprise::cli
