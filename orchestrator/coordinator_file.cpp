#include "orchestrator/coordinator_file.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <new>

#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/json.h"
#include "sweep/secret_file.h"

namespace reprise {

namespace fs = std::filesystem;

void write_coordinator_file(const fs::path& workspace, const CoordinatorAddress& address) {
  const boost::json::object object{{"host", address.host},   {"port", address.port},
                                   {"token", address.token}, {"view_token", address.view_token},
                                   {"pid", address.pid},     {"fingerprint", address.fingerprint}};
  write_secret_file(workspace / "coordinator.json", boost::json::serialize(object) + "\n");
}

CoordinatorAddress read_coordinator_file(const fs::path& workspace) {
  const fs::path file = workspace / "coordinator.json";
  if (!fs::exists(file)) {
    throw_invalid(workspace.string() + ": no coordinator runs in this workspace: start one with " +
                  "reprise run STUDY --workspace " + workspace.string());
  }
  const boost::json::value value = sweep::parse_json(read_file(file), file.string());
  CoordinatorAddress address;
  try {
    const auto& object = value.as_object();
    address.host = object.at("host").as_string();
    address.port = object.at("port").to_number<std::uint16_t>();
    address.token = object.at("token").as_string();
    address.view_token = object.at("view_token").as_string();
    address.pid = object.at("pid").to_number<int>();
    address.fingerprint = object.at("fingerprint").as_string();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw_corrupt(file.string() + ": not a coordinator's address: " + error.what());
  }
  return address;
}

void remove_coordinator_file(const fs::path& workspace) {
  std::error_code ignored;
  fs::remove(workspace / "coordinator.json", ignored);
}

std::string url_host(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

std::string authority(const CoordinatorAddress& address) {
  return url_host(address.host) + ":" + std::to_string(address.port);
}

std::string base_url(const CoordinatorAddress& address) {
  return (address.fingerprint.empty() ? "http://" : "https://") + authority(address);
}

}  // namespace reprise
