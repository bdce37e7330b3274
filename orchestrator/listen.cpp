#include "orchestrator/listen.h"

#include "sweep/error.h"

namespace reprise {

void open_acceptor(boost::asio::ip::tcp::acceptor& acceptor, const std::string& bind, int port) {
  using boost::asio::ip::tcp;
  const std::string where = bind + ":" + std::to_string(port);
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(bind, error);
  if (error) throw_invalid("bind address " + bind + ": " + error.message());
  if (port < 0 || port > 65535) throw_invalid("port " + where + ": not a port");
  const tcp::endpoint endpoint(address, static_cast<unsigned short>(port));
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error) {
    throw Error(ErrorCode::Unavailable,
                "cannot listen on " + where + ": " + error.message() + ": choose another port");
  }
}

}  // namespace reprise
