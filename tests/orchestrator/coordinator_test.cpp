#include "orchestrator/coordinator.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <functional>

#include "orchestrator/workspace.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/json.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
namespace http = boost::beast::http;

class Recorder : public Observer {
 public:
  void on_change(const std::vector<StageStatus>&, const StageStatus& changed) override {
    ++changes[changed.stage->label + " " + changed.state];
  }
  void on_tick(const std::vector<StageStatus>& all) override {
    if (tick) tick(all);
  }
  void on_note(const std::string& line) override { notes += line + "\n"; }

  std::map<std::string, int> changes;
  std::function<void(const std::vector<StageStatus>&)> tick;
  std::string notes;
};

class CoordinatorTest : public ::testing::Test {
 protected:
  CoordinatorTest() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() /
              ("reprise-run-" + std::to_string(getpid()) + "-" + info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    plan_.study = "study";
    options_.workspace = folder_;
    options_.worker_binary = FAKE_GANG;
  }
  ~CoordinatorTest() override { fs::remove_all(folder_); }

  void add(const std::string& label, const std::string& act,
           const std::vector<std::string>& inputs = {}) {
    sweep::Stage stage;
    stage.config = {{"act", act}, {"label", label}};
    stage.dataset = "ixi";
    stage.dataset_digest = std::string(64, 'd');
    stage.label = label;
    for (const std::string& input : inputs) stage.inputs[input] = ids_.at(input);
    stage.id = sweep::stage_id(stage);
    ids_[label] = stage.id;
    plan_.stages.push_back(stage);
  }

  RunOutcome run(Observer& observer) {
    db::Store store(folder_ / "results.db", db::Access::ReadWrite);
    store.put_plan(plan_, "");
    const WorkspaceLock held(folder_);
    return run_plan(held, store, plan_, {{"ixi", "/data.h5"}}, options_, observer);
  }

  static std::string error_of(ErrorCode code, const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return {};
  }

  /// Status code of GET /status, from another thread's point of view: a blocking client.
  static unsigned status(const fs::path& workspace, const std::string& token, std::string* body) {
    const auto where = sweep::parse_json(read_file(workspace / "coordinator.json"), "test");
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket socket(io);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"),
                    static_cast<unsigned short>(where.at("port").as_int64())});
    http::request<http::empty_body> request(http::verb::get, "/status", 11);
    const std::string own(where.at("token").as_string());
    request.set(http::field::host, "localhost");
    request.set(http::field::authorization, "Bearer " + (token.empty() ? own : token));
    http::write(socket, request);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    *body = response.body();
    return response.result_int();
  }

  fs::path folder_;
  sweep::Plan plan_;
  RunOptions options_;
  std::map<std::string, std::string> ids_;
};

TEST_F(CoordinatorTest, RunsEveryStageOnceAndReusesThemLater) {
  add("a", "ok");
  add("b", "ok", {"a"});
  add("c", "ok", {"a", "b"});
  options_.gangs = 2;
  Recorder recorder;
  const RunOutcome first = run(recorder);
  EXPECT_EQ(first.done, 3) << recorder.notes;
  EXPECT_EQ(first.reused, 0);
  for (const char* key : {"a done", "b done", "c done"}) EXPECT_EQ(recorder.changes[key], 1) << key;
  {
    db::Store store(folder_ / "results.db", db::Access::ReadOnly);
    for (const auto& [label, id] : ids_) {
      ASSERT_EQ(store.attempts(id).size(), 1U);
      EXPECT_EQ(store.attempts(id)[0].outcome, "done");
      EXPECT_FALSE(store.result(id)->contains("stale"));
    }
    EXPECT_EQ(store.scalars(ids_["c"]).at("inputs"), 2);
  }
  Recorder again;
  const RunOutcome second = run(again);
  EXPECT_EQ(second.reused, 3);
  EXPECT_EQ(again.notes, "");
}

TEST_F(CoordinatorTest, StageOfADeadGangIsDoneByTheNextOne) {
  add("a", "die-once");
  Recorder recorder;
  EXPECT_EQ(run(recorder).done, 1);
  db::Store store(folder_ / "results.db", db::Access::ReadOnly);
  const auto attempts = store.attempts(ids_["a"]);
  ASSERT_EQ(attempts.size(), 2U);
  EXPECT_EQ(attempts[0].outcome, "lost");
  EXPECT_EQ(attempts[1].outcome, "done");
  EXPECT_TRUE(attempts[1].gang.starts_with("local-") && attempts[1].gang.ends_with("-1"))
      << attempts[1].gang;
  EXPECT_NE(attempts[0].gang, attempts[1].gang);
}

TEST_F(CoordinatorTest, FailedStageAbortsItsDependantsOnly) {
  add("a", "fail");
  add("b", "ok", {"a"});
  add("c", "ok");
  Recorder recorder;
  const RunOutcome outcome = run(recorder);
  EXPECT_EQ(outcome.failed, 1);
  EXPECT_EQ(outcome.aborted, 1);
  EXPECT_EQ(outcome.done, 1);
}

TEST_F(CoordinatorTest, ResultWithoutItsArtifactIsRefused) {
  add("lies", "ok");
  options_.failures_max = 1;
  Recorder recorder;
  EXPECT_EQ(run(recorder).failed, 1);
  db::Store store(folder_ / "results.db", db::Access::ReadOnly);
  EXPECT_NE(store.attempts(ids_["lies"]).at(0).message.find("bytes"), std::string::npos);
}

TEST_F(CoordinatorTest, SignalHandsBackAndTheSecretIsNeeded) {
  add("a", "slow");
  Recorder recorder;
  bool asked = false;
  std::string lock;
  mode_t mode = 0;
  // The client runs while the coordinator's thread waits in the observer: only checks that need no
  // answer are made here; the requests come from a child process.
  pid_t child = -1;
  recorder.tick = [&](const std::vector<StageStatus>& all) {
    if (all[0].progress < 2 || asked) return;
    asked = true;
    struct stat info{};
    ::stat((folder_ / "coordinator.json").c_str(), &info);
    mode = info.st_mode & 0777;
    lock = error_of(ErrorCode::Unavailable, [&] { WorkspaceLock second(folder_); });
    child = ::fork();
    if (child == 0) {
      std::string body;
      const bool denied =
          status(folder_, "wrong", &body) == 401 && body.find("running") == std::string::npos;
      const bool granted = status(folder_, "", &body) == 200 &&
                           body.find("\"state\":\"running\"") != std::string::npos;
      ::kill(::getppid(), SIGTERM);
      ::_exit(denied && granted ? 0 : 1);
    }
  };
  const RunOutcome outcome = run(recorder);
  int code = -1;
  ::waitpid(child, &code, 0);
  EXPECT_EQ(code, 0);
  EXPECT_EQ(mode, 0600U);
  EXPECT_EQ(lock, folder_.string() + " is in use by process " + std::to_string(getpid()) +
                      " (reprise run ...)");
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(outcome.done + outcome.failed, 0);
  db::Store store(folder_ / "results.db", db::Access::ReadOnly);
  EXPECT_EQ(store.attempts(ids_["a"]).at(0).outcome, "handed-back");
}

TEST_F(CoordinatorTest, TakenPortIsNamed) {
  add("a", "ok");
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor taken(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  options_.port = taken.local_endpoint().port();
  Recorder recorder;
  const std::string text = error_of(ErrorCode::Unavailable, [&] { run(recorder); });
  EXPECT_NE(text.find("127.0.0.1:" + std::to_string(options_.port)), std::string::npos) << text;
}

TEST_F(CoordinatorTest, MissingDatasetIsRefusedFirst) {
  add("a", "ok");
  db::Store store(folder_ / "results.db", db::Access::ReadWrite);
  store.put_plan(plan_, "");
  Recorder recorder;
  error_of(ErrorCode::InvalidInput, [&] {
    const WorkspaceLock held(folder_);
    run_plan(held, store, plan_, {}, options_, recorder);
  });
}

}  // namespace
}  // namespace reprise
