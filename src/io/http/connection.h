// Connection: reads requests, has them handled on its loop, writes the answers.
//
// What is true:
// - One operation of the socket at a time, and one request is handled at a time.
// - An answer is sent at once, without going through the event loop, when the socket takes it; the
//   rest, and all of TLS, is sent asynchronously from `pending_`.
// - Each wait has a deadline, which Core's watch enforces by shutting the socket down.
// - It lives as long as an operation holds a reference; the socket is closed with it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "io/http/loop.h"

namespace offramp::io::http {

using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

// A connection of the loop whose context the socket has, known to `core`; what is returned starts
// it, on the loop's thread.
std::function<void()> make_connection(Core& core, Loop& loop, Socket socket);
std::function<void()> make_tls_connection(Core& core, Loop& loop, Socket socket,
                                          boost::asio::ssl::context& tls);

}  // namespace offramp::io::http
