#pragma once
/// Opens a port, with errors that name it.

#include <boost/asio/ip/tcp.hpp>
#include <string>

namespace reprise {

/// `port` 0: any free one. Errors: InvalidInput (no address, no port), Unavailable (in use).
void open_acceptor(boost::asio::ip::tcp::acceptor& acceptor, const std::string& bind, int port);

}  // namespace reprise
