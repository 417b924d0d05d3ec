// Connection: reads requests, has them handled on the thread that read them, writes the answers.
//
// What is true:
// - One operation of the socket at a time, so that no two threads are ever in one connection.
// - An answer is sent at once, without going through the event loop, when the socket takes it; the
//   rest, and all of TLS, is sent asynchronously from `pending_`.
// - Each wait has a deadline, which Core's watch enforces by shutting the socket down.
// - It lives as long as an operation holds a reference; the socket is closed with it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "io/http/core.h"

namespace offramp::io::http {

using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

void start_connection(Core& core, Socket socket);
void start_tls_connection(Core& core, Socket socket, boost::asio::ssl::context& tls);

}  // namespace offramp::io::http
