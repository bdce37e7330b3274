#include "dashboards/web/site.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <chrono>
#include <mutex>
#include <unordered_map>

#include "dashboards/web/api.h"
#include "dashboards/web/assets.h"
#include "dashboards/web/samples.h"
#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::dashboards::web {
namespace {

namespace json = boost::json;
using Parameters = std::map<std::string, std::string>;

constexpr std::size_t kLogBytes = 256U << 10U;
constexpr std::int64_t kCurvePoints = 400;
constexpr std::int64_t kEvents = 200;

std::string text(const Parameters& parameters, const std::string& name) {
  const auto found = parameters.find(name);
  if (found == parameters.end() || found->second.empty()) throw_invalid(name + ": is missing");
  return found->second;
}

std::int64_t number(const Parameters& parameters, const std::string& name, std::int64_t otherwise,
                    std::int64_t largest) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return otherwise;
  const std::string& digits = found->second;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value < 0 ||
      value > largest) {
    throw_invalid(name + " = \"" + digits + "\": must be a number from 0 to " +
                  std::to_string(largest));
  }
  return value;
}

Answer json_answer(const json::object& object) {
  return {.body = json::serialize(object), .headers = {}};
}

Answer asset_answer(const std::string& name, const char* cache) {
  const Asset* asset = find_asset(name);
  if (asset == nullptr) {
    return {.body = R"({"error":"no such file"})", .headers = {}, .status = 404};
  }
  return {.type = std::string(asset->type),
          .body = std::string(asset->gzip),
          .headers = {{"Content-Encoding", "gzip"}, {"Cache-Control", cache}}};
}

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

/// One connection and what was read over it, behind one lock.
class Site::State {
 public:
  State(std::filesystem::path workspace, bool live)
      : workspace_(std::move(workspace)),
        live_(live),
        store_(workspace_ / "reprise.db", db::Access::ReadOnly) {}

  /// Runs a query. Answers that take long to make are kept until the database changes.
  template <class Make>
  Answer answer(const std::string& key, Make make) {
    const std::lock_guard lock(mutex_);
    refresh();
    if (const auto found = kept_.find(key); found != kept_.end()) return found->second;
    Answer made = json_answer(make());
    return kept_.emplace(key, std::move(made)).first->second;
  }

  template <class Make>
  auto locked(Make make) {
    const std::lock_guard lock(mutex_);
    refresh();
    return make();
  }

  std::int64_t revision() {
    const std::lock_guard lock(mutex_);
    refresh();
    return revision_;
  }

  const db::Store& store() const { return store_; }
  const std::filesystem::path& workspace() const { return workspace_; }

  const StudyView& view(const std::string& study) {
    if (const auto found = views_.find(study); found != views_.end()) return *found->second;
    auto loaded = load_study_view(store_, study);
    if (!loaded) {
      const auto names = store_.studies();
      throw_invalid("study \"" + study + "\": not in this database" +
                    sweep::nearest_hint(study, names));
    }
    auto& kept = views_[study];
    kept = std::make_unique<StudyView>(std::move(*loaded));
    return *kept;
  }

  json::object overview() {
    json::array studies;
    for (const std::string& name : store_.studies()) studies.push_back(study_summary(view(name)));
    return {{"live", live_},
            {"now", now_ms()},
            {"revision", revision_},
            {"workspace", workspace_.filename().string()},
            {"studies", std::move(studies)}};
  }

  json::object trials(const std::string& study) {
    const StudyView& shown = view(study);
    std::vector<std::vector<db::MetricSummary>> metrics;
    for (const sweep::Trial& trial : shown.plan.trials) {
      const auto stage = trial.stages.find("evaluate");
      metrics.push_back(stage == trial.stages.end() ? std::vector<db::MetricSummary>{}
                                                    : summaries(shown, stage->second));
    }
    return study_trials(shown, metrics);
  }

 private:
  void refresh() {
    const std::int64_t version = store_.data_version();
    if (version == version_) return;
    version_ = version;
    ++revision_;
    kept_.clear();
    views_.clear();
  }

  /// A committed result never changes, so its sums are made once.
  const std::vector<db::MetricSummary>& summaries(const StudyView& shown, const std::string& id) {
    static const std::vector<db::MetricSummary> kNone;
    const StageView* stage = shown.find(id);
    if (stage == nullptr || stage->committed == 0) return kNone;
    const auto [entry, added] = summaries_.try_emplace(id);
    if (added) entry->second = store_.metric_summaries(id);
    return entry->second;
  }

  std::mutex mutex_;
  std::filesystem::path workspace_;
  bool live_;
  db::Store store_;
  std::int64_t version_ = -1;
  std::int64_t revision_ = 0;
  std::unordered_map<std::string, Answer> kept_;
  std::unordered_map<std::string, std::unique_ptr<StudyView>> views_;
  std::unordered_map<std::string, std::vector<db::MetricSummary>> summaries_;
};

Site::Site(std::filesystem::path workspace, bool live)
    : state_(std::make_unique<State>(std::move(workspace), live)) {}
Site::~Site() = default;

std::int64_t Site::revision() { return state_->revision(); }

std::vector<Page> Site::pages() {
  State* s = state_.get();
  std::vector<Page> pages;
  const auto open = [&](const char* pattern, auto handler) {
    pages.push_back({.pattern = pattern, .open = true, .handler = handler});
  };
  const auto data = [&](const char* pattern, auto handler) {
    pages.push_back({.pattern = pattern, .open = false, .handler = handler});
  };
  open("/", [](const Parameters&) { return asset_answer("index.html", "no-cache"); });
  open("/assets/{version}/{name}", [](const Parameters& p) {
    return asset_answer(text(p, "name"), text(p, "version") == assets_version()
                                             ? "public, max-age=31536000, immutable"
                                             : "no-store");
  });
  data("/api/overview", [s](const Parameters&) {
    // Not kept: it tells the time.
    return s->locked([&] { return json_answer(s->overview()); });
  });
  data("/api/study/{study}", [s](const Parameters& p) {
    const std::string name = text(p, "study");
    return s->answer("study/" + name, [&] { return s->trials(name); });
  });
  data("/api/stages/{study}", [s](const Parameters& p) {
    const std::string name = text(p, "study");
    return s->answer("stages/" + name, [&] { return study_stages(s->view(name)); });
  });
  data("/api/tables/{study}", [s](const Parameters& p) {
    const std::string name = text(p, "study");
    return s->answer("tables/" + name, [&] { return study_tables(s->store(), s->view(name)); });
  });
  data("/api/stage/{id}", [s](const Parameters& p) {
    return s->locked(
        [&] { return json_answer(stage_provenance(s->store(), s->workspace(), text(p, "id"))); });
  });
  data("/api/curve/{id}", [s](const Parameters& p) {
    const auto points = number(p, "points", kCurvePoints, 100'000);
    return s->locked([&] {
      return json_answer(stage_curve(s->store(), text(p, "id"), static_cast<std::size_t>(points)));
    });
  });
  data("/api/rows/{id}", [s](const Parameters& p) {
    return s->locked(
        [&] { return json_answer(stage_rows(s->store(), text(p, "id"), text(p, "metric"))); });
  });
  data("/api/compare/{a}/{b}", [s](const Parameters& p) {
    const std::string a = text(p, "a");
    const std::string b = text(p, "b");
    return s->answer("compare/" + a + "/" + b, [&] { return stage_compare(s->store(), a, b); });
  });
  data("/api/log/{id}", [s](const Parameters& p) {
    const auto fence = number(p, "fence", 0, INT64_MAX);
    return s->locked([&] {
      return json_answer(attempt_log(s->store(), s->workspace(), text(p, "id"), fence, kLogBytes));
    });
  });
  data("/api/samples/{id}", [s](const Parameters& p) {
    return s->locked(
        [&] { return json_answer(sample_list(s->store(), s->workspace(), text(p, "id"))); });
  });
  data("/api/image/{id}", [s](const Parameters& p) {
    const auto index = number(p, "index", 0, 1'000'000);
    const auto channel = number(p, "channel", 0, 1000);
    return s->locked([&] {
      return Answer{.type = "image/png",
                    .body = sample_png(s->store(), s->workspace(), text(p, "id"), text(p, "layer"),
                                       index, channel),
                    // A stage's result never changes.
                    .headers = {{"Cache-Control", "private, max-age=86400"}}};
    });
  });
  data("/api/datasets", [s](const Parameters&) {
    return s->locked([&] { return json_answer(dataset_list(s->store())); });
  });
  data("/api/events", [s](const Parameters& p) {
    const auto before = number(p, "before", 0, INT64_MAX);
    const auto limit = number(p, "limit", kEvents, 10'000);
    return s->locked([&] { return json_answer(event_list(s->store(), before, limit)); });
  });
  return pages;
}

}  // namespace reprise::dashboards::web
