// A gang without tensors: the coordinator's tests launch it as the worker. What it does with a
// stage is written in the stage's config, key "act".
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "orchestrator/wire.h"
#include "sweep/digest.h"
#include "sweep/files.h"
#include "sweep/json.h"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace fs = std::filesystem;
namespace wire = reprise::wire;
using Socket = beast::websocket::stream<asio::ip::tcp::socket>;

void send(Socket& ws, const wire::FromGang& message) {
  ws.write(asio::buffer(wire::encode(message)));
}

/// True the first time in this workspace.
bool first_time(const fs::path& workspace, const std::string& what) {
  const fs::path marker = workspace / ("marker-" + what);
  if (fs::exists(marker)) return false;
  std::ofstream(marker) << "x";
  return true;
}

wire::Result result_of(const fs::path& workspace, const wire::Assign& a) {
  const std::string weights = "weights of " + a.stage;
  const std::string digest = reprise::sha256_hex(weights);
  reprise::write_file_atomically(workspace / "objects" / (digest + ".safetensors"), weights);
  wire::Result result{a.stage, a.fence, {}};
  const std::size_t bytes = a.label == "lies" ? weights.size() + 1 : weights.size();
  result.body["artifacts"] = {
      {"weights", {{"sha256", digest}, {"bytes", static_cast<std::int64_t>(bytes)}}}};
  result.body["scalars"] = {{"inputs", a.inputs.size()}};
  return result;
}

void work(Socket& ws, const fs::path& workspace, const wire::Assign& a) {
  const std::string act(a.config.at("act").as_string());
  if (act == "die-once" && first_time(workspace, a.stage)) ::_exit(9);
  if (act == "fail") {
    send(ws, wire::Failure{a.stage, a.fence, "invalid-input", "told to fail"});
    return;
  }
  if (act == "slow") {
    for (int i = 0; i < 1000; ++i) {
      send(ws, wire::Heartbeat{a.stage, a.fence, i, 1000, 0.5, 10, 0});
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (ws.next_layer().available() > 0) {
        send(ws, wire::Failure{a.stage, a.fence, "unavailable", "handed back at a checkpoint"});
        return;
      }
    }
  }
  send(ws, wire::Heartbeat{a.stage, a.fence, 1, 1, 0.5, 10, 0});
  // A result under an old fence is dropped; a repeated one is acknowledged again.
  send(ws, wire::Result{a.stage, a.fence - 1, {{"stale", true}}});
  const wire::Result result = result_of(workspace, a);
  send(ws, result);
  send(ws, result);
}

void run(const fs::path& workspace, const std::string& gang) {
  const auto where =
      reprise::sweep::parse_json(reprise::read_file(workspace / "coordinator.json"), "json");
  asio::io_context io;
  Socket ws(io);
  const asio::ip::tcp::endpoint endpoint(
      asio::ip::make_address(std::string(where.at("host").as_string())),
      static_cast<unsigned short>(where.at("port").as_int64()));
  ws.next_layer().connect(endpoint);
  const std::string token(where.at("token").as_string());
  ws.set_option(
      beast::websocket::stream_base::decorator([token](beast::websocket::request_type& request) {
        request.set(beast::http::field::authorization, "Bearer " + token);
      }));
  ws.handshake("localhost", "/gang");
  send(ws, wire::Hello{wire::kProtocolVersion, gang, "host", ::getpid(), 1, "cpu"});
  for (;;) {
    beast::flat_buffer buffer;
    ws.read(buffer);
    for (const wire::ToGang& message :
         wire::decode_frame_to_gang(beast::buffers_to_string(buffer.cdata()))) {
      if (const auto* assign = std::get_if<wire::Assign>(&message)) work(ws, workspace, *assign);
      if (std::holds_alternative<wire::Shutdown>(message)) return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string workspace;
  std::string gang;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string key = argv[i];
    if (key == "--workspace") workspace = argv[i + 1];
    if (key == "--gang") gang = argv[i + 1];
  }
  try {
    run(workspace, gang);
    return 0;
  } catch (const std::exception&) {
    return 1;
  }
}
